// Names and sizes of the stored dtypes.
#include "weights/types.h"

#include <array>

#include "base/check.h"

namespace t3 {
namespace {

struct DTypeInfo {
  DType dtype;
  std::string_view name;
  DTypeBlock block;
};

// In the order of the enum, so that a dtype is its index.
constexpr std::array<DTypeInfo, 22> kDTypes{{
    {DType::kF64, "F64", {1, 8}},        {DType::kF32, "F32", {1, 4}},
    {DType::kF16, "F16", {1, 2}},        {DType::kBF16, "BF16", {1, 2}},
    {DType::kF8E4M3, "F8_E4M3", {1, 1}}, {DType::kF8E5M2, "F8_E5M2", {1, 1}},
    {DType::kI64, "I64", {1, 8}},        {DType::kI32, "I32", {1, 4}},
    {DType::kI16, "I16", {1, 2}},        {DType::kI8, "I8", {1, 1}},
    {DType::kU8, "U8", {1, 1}},          {DType::kBool, "BOOL", {1, 1}},
    {DType::kQ4_0, "Q4_0", {32, 18}},    {DType::kQ4_1, "Q4_1", {32, 20}},
    {DType::kQ5_0, "Q5_0", {32, 22}},    {DType::kQ5_1, "Q5_1", {32, 24}},
    {DType::kQ8_0, "Q8_0", {32, 34}},    {DType::kQ2K, "Q2_K", {256, 84}},
    {DType::kQ3K, "Q3_K", {256, 110}},   {DType::kQ4K, "Q4_K", {256, 144}},
    {DType::kQ5K, "Q5_K", {256, 176}},   {DType::kQ6K, "Q6_K", {256, 210}},
}};

const DTypeInfo& InfoOf(DType dtype) { return kDTypes[static_cast<size_t>(dtype)]; }

constexpr bool TableFollowsEnum() {
  for (size_t i = 0; i < kDTypes.size(); ++i) {
    if (static_cast<size_t>(kDTypes[i].dtype) != i) return false;
  }
  return true;
}
static_assert(TableFollowsEnum());

}  // namespace

DTypeBlock BlockOf(DType dtype) { return InfoOf(dtype).block; }

bool IsFloat(DType dtype) { return dtype <= DType::kF8E5M2; }

bool IsQuantised(DType dtype) { return BlockOf(dtype).elements > 1; }

int64_t DTypeSize(DType dtype) {
  T3_CHECK(!IsQuantised(dtype), "elements of {} have no size of their own", DTypeName(dtype));
  return BlockOf(dtype).bytes;
}

std::string_view DTypeName(DType dtype) { return InfoOf(dtype).name; }

std::optional<DType> FindDType(std::string_view name) {
  for (const DTypeInfo& info : kDTypes) {
    if (info.name == name && !IsQuantised(info.dtype)) return info.dtype;
  }
  return std::nullopt;
}

std::optional<int64_t> ContiguousBytes(std::span<const int64_t> shape, DType dtype) {
  const DTypeBlock block = BlockOf(dtype);
  int64_t elements = 1;
  int64_t bytes = 0;
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0) return std::nullopt;
    // A zero must not hide an overflow of the other sizes: code that multiplies them in another
    // order would meet it.
    if (size == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(elements, size, &elements)) {
      return std::nullopt;
    }
  }
  const bool overflows = __builtin_mul_overflow(elements / block.elements, block.bytes, &bytes);
  if (overflows || elements % block.elements != 0) return std::nullopt;
  return empty ? 0 : bytes;
}

}  // namespace t3
