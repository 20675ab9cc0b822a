// The state dict inside a pickled checkpoint.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weights/pickle.h"

namespace t3 {

// Tensors by name, in the file's order.
struct StateDict {
  std::vector<std::pair<std::string, const PickleNode*>> tensors;
  std::vector<std::string> notes;  // what was chosen among several dicts
};

// The named tensors under `root`: of a TorchScript module, those of its modules too, with dots
// between the names; otherwise in the dict that ChooseWrapped chooses among the nested ones
// (weights/wrappers.h). Entries that are not tensors (step counters, settings) are left out. Throws
// Error when there is no tensor, when several dicts could be meant, or when a tensor's name is not
// a string or occurs twice.
StateDict FindStateDict(const PickleNode& root);

}  // namespace t3
