// How a file's weights are quantised, in words.
#pragma once

#include <map>
#include <string>

#include "arch/naming.h"

namespace t3 {

// By the name of a dtype: "4.5 bits a value" for ggml's blocks, "a scale per row" for weights
// beside scales. Without those whose values are stored as they are.
std::map<std::string, std::string> QuantisedForms(const NamedViews& views);

}  // namespace t3
