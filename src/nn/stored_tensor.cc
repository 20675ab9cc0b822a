// Copies chunk by chunk out of the mapped file.
#include "nn/stored_tensor.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/lost_pages.h"
#include "weights/ggml_blocks.h"

namespace t3 {
namespace {

constexpr std::array<std::pair<DType, at::ScalarType>, 12> kScalarTypes{{
    {DType::kF64, at::kDouble},
    {DType::kF32, at::kFloat},
    {DType::kF16, at::kHalf},
    {DType::kBF16, at::kBFloat16},
    {DType::kF8E4M3, at::kFloat8_e4m3fn},
    {DType::kF8E5M2, at::kFloat8_e5m2},
    {DType::kI64, at::kLong},
    {DType::kI32, at::kInt},
    {DType::kI16, at::kShort},
    {DType::kI8, at::kChar},
    {DType::kU8, at::kByte},
    {DType::kBool, at::kBool},
}};

// Large enough for full copy speed, small beside any network.
constexpr int64_t kChunkBytes = int64_t{64} << 20;

// The values of whole blocks, in fp32.
at::Tensor Dequantise(DType dtype, const std::byte* start, int64_t count) {
  constexpr int64_t kBlocksPerTask = 4096;
  at::Tensor values = at::empty({count}, at::kFloat);
  float* const out = values.mutable_data_ptr<float>();
  const DTypeBlock block = BlockOf(dtype);
  at::parallel_for(0, count / block.elements, kBlocksPerTask, [&](int64_t begin, int64_t end) {
    DequantiseBlocks(dtype, start + begin * block.bytes, end - begin, out + begin * block.elements);
  });
  return values;
}

// Elements [first, first + count) of `view`, whole blocks, as a flat CPU tensor that aliases the
// file if dtype and alignment allow.
at::Tensor Slice(const TensorView& view, int64_t first, int64_t count) {
  const DTypeBlock block = BlockOf(view.dtype);
  const std::byte* start = view.data + first / block.elements * block.bytes;
  if (IsQuantised(view.dtype)) return Dequantise(view.dtype, start, count);
  const at::ScalarType type = ToScalarType(view.dtype);
  if (reinterpret_cast<uintptr_t>(start) % static_cast<uintptr_t>(block.bytes) != 0) {
    at::Tensor copy = at::empty({count}, type);
    std::memcpy(copy.data_ptr(), start, static_cast<size_t>(count * block.bytes));
    return copy;
  }
  // from_blob takes a mutable pointer; nothing writes through it.
  return at::from_blob(const_cast<std::byte*>(start), {count}, at::TensorOptions(type));
}

}  // namespace

at::ScalarType ToScalarType(DType dtype) {
  return IsQuantised(dtype) ? at::kFloat : kScalarTypes[static_cast<size_t>(dtype)].second;
}

DType ToDType(at::ScalarType type) {
  for (const auto& [dtype, scalar] : kScalarTypes) {
    if (scalar == type) return dtype;
  }
  Fail("tensors of dtype {} cannot be stored", c10::toString(type));
}

void CopyStored(const TensorView& view, const at::Tensor& result) {
  const at::Tensor flat = result.view({-1});
  const int64_t total = view.elements();
  const int64_t step = kChunkBytes / DTypeSize(ToDType(ToScalarType(view.dtype)));
  for (int64_t first = 0; first < total; first += step) {
    const int64_t count = std::min(step, total - first);
    flat.narrow(0, first, count).copy_(Slice(view, first, count));
  }
  CheckMappedFiles();
}

at::Tensor LoadStored(const TensorView& view, c10::Device device, at::ScalarType dtype) {
  at::Tensor result = at::empty(view.shape, at::TensorOptions(dtype).device(device));
  CopyStored(view, result);
  return result;
}

at::Tensor ToTensor(const TensorView& view) {
  return LoadStored(view, c10::kCPU, ToScalarType(view.dtype));
}

}  // namespace t3
