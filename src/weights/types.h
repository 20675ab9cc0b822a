// Stored tensors, without torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace t3 {

enum class DType { kF64, kF32, kF16, kBF16, kF8E4M3, kF8E5M2, kI64, kI32, kI16, kI8, kU8, kBool };

int64_t DTypeSize(DType dtype);           // bytes an element
std::string_view DTypeName(DType dtype);  // safetensors' names: "F32", "BF16", "F8_E4M3", ...

// A tensor inside an opened file: contiguous, row-major, little-endian; valid while the file lives.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  const std::byte* data = nullptr;
  int64_t bytes = 0;
  int64_t elements() const {
    int64_t n = 1;
    for (int64_t size : shape) n *= size;
    return n;
  }
};

using TensorViews = std::map<std::string, TensorView>;
using Metadata = std::map<std::string, std::string>;

}  // namespace t3
