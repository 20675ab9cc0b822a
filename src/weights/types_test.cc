// Sizes of tensors.
#include "weights/types.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace t3 {
namespace {

TEST(Types, ContiguousBytes) {
  const auto bytes = [](std::vector<int64_t> shape) { return ContiguousBytes(shape, DType::kF32); };
  EXPECT_EQ(bytes({}), 4);
  EXPECT_EQ(bytes({2, 3}), 24);
  EXPECT_EQ(bytes({5, 0}), 0);
  EXPECT_EQ(bytes({-1}), std::nullopt);
  EXPECT_EQ(bytes({0, -1}), std::nullopt);
  EXPECT_EQ(bytes({INT64_MAX}), std::nullopt);
  EXPECT_EQ(bytes({0, INT64_MAX, INT64_MAX}), std::nullopt);
}

TEST(Types, BytesOfBlocks) {
  EXPECT_EQ(ContiguousBytes(std::vector<int64_t>{3, 512}, DType::kQ4K), 3 * 2 * 144);
  EXPECT_EQ(ContiguousBytes(std::vector<int64_t>{3, 16}, DType::kQ8_0), std::nullopt);
  EXPECT_EQ(ContiguousBytes(std::vector<int64_t>{int64_t{1} << 62}, DType::kQ8_0),
            (int64_t{1} << 57) * 34);
  EXPECT_TRUE(IsQuantised(DType::kQ6K));
  EXPECT_FALSE(IsQuantised(DType::kBool));
  EXPECT_FALSE(FindDType("Q4_K")) << "not a dtype of safetensors";
  EXPECT_THROW(DTypeSize(DType::kQ4K), Error);
}

}  // namespace
}  // namespace t3
