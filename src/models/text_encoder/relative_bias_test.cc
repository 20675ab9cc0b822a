// Bounds of the buckets.
#include "models/text_encoder/relative_bias.h"

#include <gtest/gtest.h>

namespace t3 {
namespace {

TEST(RelativeBias, BoundsOfTheReleasedModel) {
  const std::vector<int64_t> starts{0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91, 1000};
  for (size_t b = 0; b + 1 < starts.size(); ++b) {
    const auto bucket = static_cast<int64_t>(b);
    for (int64_t size = starts[b]; size < starts[b + 1]; ++size) {
      EXPECT_EQ(RelativeBucket(-size, 32), bucket) << size;
      EXPECT_EQ(RelativeBucket(size, 32), size == 0 ? 0 : 16 + bucket) << size;
    }
  }
}

TEST(RelativeBias, RowsAreQueries) {
  EXPECT_EQ(RelativeBuckets(2, 32), (std::vector<int64_t>{0, 17, 1, 0}));
}

}  // namespace
}  // namespace t3
