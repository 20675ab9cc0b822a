// Reads the tensors that a pickle describes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "weights/state_dict.h"
#include "weights/types.h"

namespace t3 {

// The persistent id of a storage: ('storage', type, key, device, elements[, view]).
struct PickledStorage {
  std::string_view key;
  DType dtype = DType::kU8;
  bool untyped = false;  // elements are bytes
  int64_t elements = 0;
  int64_t bytes = 0;
};

// Throws Error when `node`, of kind kStorage, is not such an id or its size passes int64.
PickledStorage ReadStorage(const PickleNode& node);

// The bytes of a storage; throws Error when the file has not all of them.
using StorageBytes = std::function<Bytes(const PickledStorage&)>;

// The tensors of a state dict. Contiguous ones are views of the storage's bytes, others are copied.
// Throws Error when a tensor leaves its storage, has a negative size or stride, or when the copies
// would need more than `budget` bytes (the file's size: a stride of 0 makes any amount of a byte).
ParsedWeights ReadTensors(const StateDict& state, const StorageBytes& storage_bytes,
                          int64_t budget);

}  // namespace t3
