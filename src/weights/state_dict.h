// The state dict inside a pickled checkpoint.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "weights/pickle.h"

namespace t3 {

// Name and tensor node, in the file's order.
using StateDict = std::vector<std::pair<std::string_view, const PickleNode*>>;

// The named tensors under `root`, going down through nested dicts as training code writes them.
// Entries that are no tensors (step counters, settings) are left out. Throws Error when there is no
// tensor, when several nested dicts could be meant, when a tensor has no string for a name or a
// name comes twice.
StateDict FindStateDict(const PickleNode& root);

}  // namespace t3
