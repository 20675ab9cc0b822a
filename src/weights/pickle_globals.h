// The globals that a pickle of tensors may name.
#pragma once

#include <string_view>

#include "weights/pickle_graph.h"

namespace t3 {

// The kGlobal node of `module`.`name`; throws Error that names it when it is none of the known
// ones.
PickleNode MakeGlobal(std::string_view module, std::string_view name);

}  // namespace t3
