// Values by bit patterns, at the ends of each format.
#include "weights/tensor_values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace t3 {
namespace {

template <typename T>
TensorView View(const std::vector<T>& values, DType dtype) {
  return {dtype,
          {static_cast<int64_t>(values.size())},
          reinterpret_cast<const std::byte*>(values.data()),
          static_cast<int64_t>(values.size() * sizeof(T))};
}

TEST(TensorValues, NaNAndInfinityOfEveryFormat) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(AllFinite(View<float>({1, -3e38F, 0, 1e-45F}, DType::kF32)));
  EXPECT_FALSE(AllFinite(View<float>({1, -kInf}, DType::kF32)));
  EXPECT_FALSE(AllFinite(View<float>({NAN, 1}, DType::kF32)));
  EXPECT_TRUE(AllFinite(View<double>({1e308}, DType::kF64)));
  EXPECT_FALSE(AllFinite(View<double>({NAN}, DType::kF64)));
  EXPECT_TRUE(AllFinite(View<uint16_t>({0x7BFF, 0xFBFF}, DType::kF16)));
  EXPECT_FALSE(AllFinite(View<uint16_t>({0x0000, 0xFC00}, DType::kF16)));
  EXPECT_TRUE(AllFinite(View<uint16_t>({0x7F7F}, DType::kBF16)));
  EXPECT_FALSE(AllFinite(View<uint16_t>({0x7F80}, DType::kBF16)));
  EXPECT_TRUE(AllFinite(View<uint8_t>({0x7E, 0xFE}, DType::kF8E4M3)));
  EXPECT_FALSE(AllFinite(View<uint8_t>({0xFF}, DType::kF8E4M3)));
  EXPECT_TRUE(AllFinite(View<uint8_t>({0x7B}, DType::kF8E5M2)));
  EXPECT_FALSE(AllFinite(View<uint8_t>({0x7C}, DType::kF8E5M2)));
  EXPECT_TRUE(AllFinite(View<uint8_t>({0xFF}, DType::kU8)));
}

TEST(TensorValues, ZeroOfEitherSign) {
  EXPECT_TRUE(AllZero(View<float>({0, -0.F}, DType::kF32)));
  EXPECT_FALSE(AllZero(View<float>({0, 1e-45F}, DType::kF32)));
  EXPECT_TRUE(AllZero(View<uint16_t>({0x8000, 0}, DType::kBF16)));
  EXPECT_FALSE(AllZero(View<uint8_t>({0x80}, DType::kU8)));
}

TEST(TensorValues, Scalars) {
  EXPECT_EQ(ScalarValue(View<uint16_t>({0x4800}, DType::kF16)), 8);
  EXPECT_EQ(ScalarValue(View<uint16_t>({0x4100}, DType::kBF16)), 8);
  EXPECT_EQ(ScalarValue(View<int64_t>({8}, DType::kI64)), 8);
  EXPECT_EQ(ScalarValue(View<float>({8, 8}, DType::kF32)), std::nullopt);
  EXPECT_EQ(ScalarValue(View<uint8_t>({8}, DType::kU8)), std::nullopt);
}

}  // namespace
}  // namespace t3
