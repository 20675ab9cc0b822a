// Telling the weights of one model from another's.
#pragma once

#include <string>

#include "nn/naming.h"

namespace t3 {

// Of names, shapes and the first bytes of every tensor: enough to tell weights apart.
std::string WeightsDigest(const NamedViews& views);

}  // namespace t3
