// The plan's guarantees: one bucket per batch, every item in each epoch, the same after a resume.
#include "training/data/batch_plan.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "t3video/error.h"

namespace t3 {
namespace {

const std::vector<std::vector<int64_t>> kBuckets{{0, 2, 4, 6, 8, 10, 12}, {1, 3}, {5}};

TEST(BatchPlanTest, AnEpochShowsEverythingInBatchesOfOneBucket) {
  const BatchPlan plan(kBuckets, 3, 7);
  ASSERT_EQ(plan.steps_per_epoch(), 3 + 1 + 1);
  for (int64_t epoch = 0; epoch < 4; ++epoch) {
    std::map<int64_t, int> seen;
    for (int64_t step = 0; step < 5; ++step) {
      const auto batch = plan.At(epoch * 5 + step);
      ASSERT_EQ(batch.size(), 3u);
      std::set<size_t> buckets;
      for (const int64_t item : batch) {
        ++seen[item];
        for (size_t b = 0; b < kBuckets.size(); ++b) {
          if (std::find(kBuckets[b].begin(), kBuckets[b].end(), item) != kBuckets[b].end()) {
            buckets.insert(b);
          }
        }
      }
      EXPECT_EQ(buckets.size(), 1u);
    }
    EXPECT_EQ(seen.size(), 10u);
    for (const int64_t item : kBuckets[0]) EXPECT_LE(seen[item], 2);  // two of seven fill up
  }
}

TEST(BatchPlanTest, DependsOnSeedAndStepAlone) {
  const BatchPlan forward(kBuckets, 2, 7), backward(kBuckets, 2, 7), other(kBuckets, 2, 8);
  std::vector<std::vector<int64_t>> a, b, c;
  for (int64_t step = 0; step < 60; ++step) a.push_back(forward.At(step));
  for (int64_t step = 59; step >= 0; --step) b.insert(b.begin(), backward.At(step));
  for (int64_t step = 0; step < 60; ++step) c.push_back(other.At(step));
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  // Epochs differ from each other.
  const auto epoch = [&](int64_t n) {
    const auto begin = a.begin() + n * forward.steps_per_epoch();
    return std::vector(begin, begin + forward.steps_per_epoch());
  };
  EXPECT_NE(epoch(0), epoch(1));
}

TEST(BatchPlanTest, IsTheSameOnEveryMachine) {
  const BatchPlan plan({{0, 1, 2, 3, 4, 5}}, 6, 1);
  // Computed independently of this code, from splitmix64's definition.
  EXPECT_EQ(plan.At(0), (std::vector<int64_t>{3, 4, 5, 0, 1, 2}));
}

TEST(BatchPlanTest, ShufflesEvenly) {
  // Every item is as often first as any other: 6,000 epochs, five standard deviations.
  const BatchPlan plan({{0, 1, 2, 3, 4, 5}}, 6, 3);
  std::map<int64_t, int> first;
  for (int64_t step = 0; step < 6000; ++step) ++first[plan.At(step)[0]];
  for (int64_t item = 0; item < 6; ++item) EXPECT_NEAR(first[item], 1000, 5 * 28.9);
}

TEST(BatchPlanTest, RefusesWhatIsNoPlan) {
  EXPECT_THROW(BatchPlan({}, 1, 0), Error);
  EXPECT_THROW(BatchPlan({{}}, 1, 0), Error);
  EXPECT_THROW(BatchPlan({{1}}, 0, 0), Error);
  EXPECT_THROW(BatchPlan({{1}}, 1, 0).At(-1), Error);
}

}  // namespace
}  // namespace t3
