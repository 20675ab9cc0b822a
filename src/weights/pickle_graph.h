// What a pickle holds: a graph of Python objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "weights/types.h"

namespace t3 {

// One Python object. Nothing is ever called: REDUCE of the few known globals gives a node that says
// what would have been built. Nodes may form cycles (a list can hold itself), so walks need a
// bound.
struct PickleNode {
  enum class Kind {
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kTuple,
    kList,
    kDict,
    kGlobal,
    kStorage,
    kTensor
  };
  enum class Global {
    kOrderedDict,
    kRebuildTensor,
    kRebuildTensorWithDType,
    kRebuildParameter,
    kStorageType,
    kUntypedStorage,
    kDType,
    kScriptClass,  // a module of a TorchScript archive
    kScriptValue   // a list of such an archive
  };

  Kind kind = Kind::kNone;
  // kGlobal: which one, and the dtype that a storage type or dtype stands for. kTensor: `global` is
  // the function that would have built it. kDict: kScriptClass where it holds a module's
  // attributes.
  Global global = Global::kOrderedDict;
  DType dtype = DType::kU8;
  int64_t integer = 0;    // kInt, kBool
  double real = 0;        // kFloat
  std::string_view text;  // kString: UTF-8, inside the pickle's bytes
  // kTuple, kList: elements. kDict: key, value, key, value, ... kStorage: the elements of its
  // persistent id. kTensor: the function's arguments.
  std::vector<const PickleNode*> items;
};

// A pickle that has been read. `nodes` own everything; `bytes` is the length of the pickle.
struct Pickle {
  std::deque<PickleNode> nodes;
  const PickleNode* root = nullptr;
  size_t bytes = 0;
};

const char* KindName(PickleNode::Kind kind);  // "dict", "tensor", ... for messages

}  // namespace t3
