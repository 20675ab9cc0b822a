// Sizes of tensors.
#include "weights/types.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace t3
