// Stored tensors, without torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace t3 {

// The last row is ggml's: blocks of values with their scales, as GGUF files hold them.
enum class DType {
  kF64,
  kF32,
  kF16,
  kBF16,
  kF8E4M3,
  kF8E5M2,
  kI64,
  kI32,
  kI16,
  kI8,
  kU8,
  kBool,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ2K,
  kQ3K,
  kQ4K,
  kQ5K,
  kQ6K
};

// What is stored as a unit: one element, or the block of a quantised dtype.
struct DTypeBlock {
  int64_t elements = 1;
  int64_t bytes = 0;
};
DTypeBlock BlockOf(DType dtype);
inline constexpr size_t kMaxBlockElements = 256;

bool IsFloat(DType dtype);      // fp64 to fp8
bool IsQuantised(DType dtype);  // a dtype of ggml's blocks

// Bytes of an element. Not for quantised dtypes: throws Error.
int64_t DTypeSize(DType dtype);
// safetensors' names "F32", "BF16", "F8_E4M3", ... and ggml's "Q8_0", "Q4_K", ...
std::string_view DTypeName(DType dtype);
// The dtype of one of safetensors' names.
std::optional<DType> FindDType(std::string_view name);

// No real tensor has more axes; the limit bounds the memory that a hostile file can claim.
inline constexpr size_t kMaxRank = 16;

// Bytes of a contiguous tensor; nullopt when a size is negative, the product passes int64, or the
// elements do not fill whole blocks.
std::optional<int64_t> ContiguousBytes(std::span<const int64_t> shape, DType dtype);

// A tensor inside an opened file: contiguous, row-major, little-endian; valid while the file lives.
// `data` can have any alignment: neither safetensors nor a zip promises one.
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

// The result of parsing a file in memory. Views point into that memory or into `owned`, which
// holds the tensors that are not stored contiguously.
struct ParsedWeights {
  TensorViews tensors;
  Metadata metadata;
  std::vector<std::string> notes;  // what the reader chose or left out, a sentence each
  std::vector<std::unique_ptr<std::byte[]>> owned;
};

}  // namespace t3
