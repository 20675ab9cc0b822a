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
  EXPECT_NEAR(interval.half_width(), 2.0542, 1e-4);
  EXPECT_NEAR(interval.low, 0.4458, 1e-4);
  EXPECT_NEAR(interval.high, 4.5542, 1e-4);
}

TEST(Statistics, OneValueHasNoBounds) {
  const MeanInterval interval = MeanOf({0.7});
  EXPECT_DOUBLE_EQ(interval.mean, 0.7);
  EXPECT_TRUE(std::isinf(interval.half_width()));
  EXPECT_FALSE(interval.has_bounds());
  EXPECT_THROW(MeanOf({}), Error);
}

// Of a share of 81/263: Newcombe (1998), Stat. Med. 17, 857, table I, method 3.
TEST(Statistics, WilsonsIntervalIsThatOfTheTables) {
  const auto interval = [](int right, int count) {
    std::vector<double> values(static_cast<size_t>(count), 0);
    std::fill_n(values.begin(), right, 1);
    return ShareOf(values, 1);
  };
  const auto check = [&](int right, int count, double low, double high) {
    EXPECT_NEAR(interval(right, count).low, low, 5e-5) << right << " of " << count;
    EXPECT_NEAR(interval(right, count).high, high, 5e-5) << right << " of " << count;
  };
  check(81, 263, 0.2553, 0.3662);
  check(15, 148, 0.0624, 0.1605);
  check(0, 20, 0.0000, 0.1611);
  check(1, 29, 0.0061, 0.1718);
  check(1, 2, 0.0945, 0.9055);  // Student's t: -5.85 to 6.85
  check(1, 1, 0.2065, 1);
}

TEST(Statistics, AnswersOfAValueCountAsTheyVary) {
  const auto width = [](const std::vector<double>& values, int answers) {
    return ShareOf(values, answers).half_width();
  };
  const std::vector<double> together{0, 0, 1, 1, 1, 1}, apart{0.5, 0.75, 0.5, 0.75, 0.75, 0.75};
  EXPECT_DOUBLE_EQ(width(together, 4), width(together, 1)) << "the four answers of a value are one";
  EXPECT_LT(width(apart, 4), 0.6 * width(together, 4));
  // As many answers as there are, where they hardly vary.
  EXPECT_DOUBLE_EQ(width({0.5, 0.5}, 4), width({0, 0, 0, 0, 1, 1, 1, 1}, 1));
  EXPECT_NEAR(ShareOf({1, 1}, 1).low, 0.3424, 5e-5);
  EXPECT_EQ(ShareOf({1, 1}, 1).high, 1);
  EXPECT_THROW(ShareOf({}, 1), Error);
}

// By hand: (-1 + 0) / (2 + 2), squares (1 + 2) / 4.
TEST(Statistics, GainsOfSharesStayWithinTheirBounds) {
  const MeanInterval one_of_two = ShareGainOf({-1, 0}, 1);
  EXPECT_DOUBLE_EQ(one_of_two.mean, -0.5);
  EXPECT_EQ(one_of_two.low, -1);
  EXPECT_NEAR(one_of_two.high, -0.25 + 1.959964 * std::sqrt((0.75 - 0.0625) / 4), 1e-6);
  const MeanInterval equal = ShareGainOf({0, 0}, 1);
  EXPECT_NEAR(equal.low, -0.6930, 5e-5) << "two pairs without a difference show little";
  EXPECT_LT(ShareGainOf({0, 0}, 9).half_width(), 0.12 * equal.half_width());
  EXPECT_GE(ShareGainOf({1, 1}, 9).high, 1) << "the mean lies within";
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
