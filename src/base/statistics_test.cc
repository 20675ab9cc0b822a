// Intervals against tables and numbers worked by hand.
#include "base/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "t3video/error.h"

namespace t3 {
namespace {

TEST(Statistics, QuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(StudentQuantile(1), 12.706, 5e-4);
  EXPECT_NEAR(StudentQuantile(2), 4.303, 5e-4);
  EXPECT_NEAR(StudentQuantile(3), 3.182, 5e-4);
  EXPECT_NEAR(StudentQuantile(4), 2.776, 5e-4);
  EXPECT_NEAR(StudentQuantile(9), 2.262, 5e-4);
  EXPECT_NEAR(StudentQuantile(30), 2.042, 5e-4);
  EXPECT_NEAR(StudentQuantile(99), 1.984, 5e-4);
  EXPECT_NEAR(StudentQuantile(100'000), 1.960, 5e-4);
  EXPECT_THROW(StudentQuantile(0), Error);
}

TEST(Statistics, AnIntervalByHand) {
  // Mean 2.5, variance 5/3, standard error sqrt(5/12) = 0.6455, t(3) = 3.1824.
  const MeanInterval interval = MeanOf({1, 2, 3, 4});
  EXPECT_EQ(interval.count, 4);
  EXPECT_DOUBLE_EQ(interval.mean, 2.5);
  EXPECT_NEAR(interval.half_width, 2.0542, 1e-4);
  EXPECT_NEAR(interval.low(), 0.4458, 1e-4);
  EXPECT_NEAR(interval.high(), 4.5542, 1e-4);
}

TEST(Statistics, OneValueHasNoBounds) {
  const MeanInterval interval = MeanOf({0.7});
  EXPECT_DOUBLE_EQ(interval.mean, 0.7);
  EXPECT_TRUE(std::isinf(interval.half_width));
  EXPECT_THROW(MeanOf({}), Error);
}

TEST(Statistics, PairsAreTheKeysOfBoth) {
  const std::map<std::string, double> a{{"x", 1}, {"y", 2}}, b{{"y", 5}, {"z", 7}};
  EXPECT_EQ(PairsOf(a, b, Better::kMore).gain, std::vector<double>{3});
  EXPECT_EQ(PairsOf(a, b, Better::kLess).gain, std::vector<double>{-3});
  EXPECT_EQ(PairsOf(a, b, Better::kNeither).b, std::vector<double>{5});
}

// Ties by hand: ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4; 4.5 / sqrt(4.5 * 5).
TEST(Statistics, RankCorrelationByHand) {
  EXPECT_DOUBLE_EQ(RankCorrelation({1, 10, 100, 1000}, {2, 3, 4, 5}), 1);
  EXPECT_DOUBLE_EQ(RankCorrelation({1, 2, 3}, {9, 5, 1}), -1);
  EXPECT_NEAR(RankCorrelation({0, 7, 7, 9}, {1, 2, 3, 4}), 0.94868, 1e-5);
  EXPECT_TRUE(std::isnan(RankCorrelation({1, 1, 1}, {1, 2, 3})));
  EXPECT_TRUE(std::isnan(RankCorrelation({1, 2}, {1, 2})));
  EXPECT_THROW(RankCorrelation({1, 2, 3}, {1, 2}), Error);
}

}  // namespace
}  // namespace t3
