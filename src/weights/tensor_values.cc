// Bit patterns of the stored floating-point formats.
#include "weights/tensor_values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "weights/ggml_blocks.h"
#include "weights/half.h"

namespace t3 {
namespace {

template <typename T>
T Load(const std::byte* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

// True when no element has all bits of `exponent`. Not ended early, so that it vectorises.
template <typename T>
bool NoneHas(const TensorView& view, T exponent) {
  bool found = false;
  for (int64_t i = 0; i < view.bytes; i += static_cast<int64_t>(sizeof(T))) {
    found |= (Load<T>(view.data + i) & exponent) == exponent;
  }
  return !found;
}

template <typename T>
bool AllZeroBut(const TensorView& view, T sign) {
  T any = 0;
  for (int64_t i = 0; i < view.bytes; i += static_cast<int64_t>(sizeof(T))) {
    any = static_cast<T>(any | Load<T>(view.data + i));
  }
  return (any & static_cast<T>(~sign)) == 0;
}

bool AllBlocksFinite(const TensorView& view) {
  const DTypeBlock block = BlockOf(view.dtype);
  std::array<float, kMaxBlockElements> values;
  bool finite = true;
  for (int64_t i = 0; i < view.bytes; i += block.bytes) {
    DequantiseBlocks(view.dtype, view.data + i, 1, values.data());
    finite &= std::all_of(values.begin(), values.begin() + block.elements,
                          [](float value) { return std::isfinite(value); });
  }
  return finite;
}

}  // namespace

std::optional<double> ScalarValue(const TensorView& view) {
  if (view.elements() != 1) return std::nullopt;
  switch (view.dtype) {
    case DType::kF64:
      return Load<double>(view.data);
    case DType::kF32:
      return Load<float>(view.data);
    case DType::kF16:
      return HalfToFloat(Load<uint16_t>(view.data));
    case DType::kBF16:
      return std::bit_cast<float>(static_cast<uint32_t>(Load<uint16_t>(view.data)) << 16);
    case DType::kI64:
      return static_cast<double>(Load<int64_t>(view.data));
    case DType::kI32:
      return Load<int32_t>(view.data);
    default:
      return std::nullopt;
  }
}

bool AllFinite(const TensorView& view) {
  if (IsQuantised(view.dtype)) return AllBlocksFinite(view);
  switch (view.dtype) {
    case DType::kF64:
      return NoneHas<uint64_t>(view, 0x7FF0000000000000);
    case DType::kF32:
      return NoneHas<uint32_t>(view, 0x7F800000);
    case DType::kF16:
      return NoneHas<uint16_t>(view, 0x7C00);
    case DType::kBF16:
      return NoneHas<uint16_t>(view, 0x7F80);
    case DType::kF8E4M3:  // no infinity; NaN has all bits but the sign
      return NoneHas<uint8_t>(view, 0x7F);
    case DType::kF8E5M2:
      return NoneHas<uint8_t>(view, 0x7C);
    default:
      return true;
  }
}

bool AllZero(const TensorView& view) {
  switch (view.dtype) {
    case DType::kF64:
      return AllZeroBut<uint64_t>(view, uint64_t{1} << 63);
    case DType::kF32:
      return AllZeroBut<uint32_t>(view, uint32_t{1} << 31);
    case DType::kF16:
    case DType::kBF16:
      return AllZeroBut<uint16_t>(view, 0x8000);
    case DType::kF8E4M3:
    case DType::kF8E5M2:
      return AllZeroBut<uint8_t>(view, 0x80);
    default:
      return AllZeroBut<uint8_t>(view, 0);
  }
}

}  // namespace t3
