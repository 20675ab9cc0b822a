// Names of the kinds.
#include "weights/pickle_graph.h"

namespace t3 {

const char* KindName(PickleNode::Kind kind) {
  constexpr const char* kNames[] = {"None", "bool", "int",    "float",   "string", "tuple",
                                    "list", "dict", "global", "storage", "tensor"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace t3
