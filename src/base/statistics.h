// Means and shares with confidence intervals, paired differences, rank correlation.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "t3video/statistics.h"

namespace t3 {

// The t with 95 % of the mass of Student's distribution with `freedom` >= 1 degrees of freedom
// between -t and t.
double StudentQuantile(int64_t freedom);

// By Student's t, for independent values. Throws Error without values.
MeanInterval MeanOf(const std::vector<double>& values);

// The mean of values from 0 to 1, each the share of `answers` that are right: Wilson's interval for
// the number of independent answers that the values' variance allows for, from one to `answers` a
// value. Throws Error without values.
MeanInterval ShareOf(const std::vector<double>& values, int answers);

// The mean of differences between such shares, paired, -1 to 1: the interval of Bonett and Price
// (2012), which adds a pair that is better and one that is worse by one answer. Throws Error
// without values.
MeanInterval ShareGainOf(const std::vector<double>& gains, int answers);

// Values of what two measurements share, and how much better the second is.
struct Pairs {
  std::vector<double> a, b, gain;  // `gain` is b - a, or a - b when less is better
};

// Of the keys in both.
template <typename Key>
Pairs PairsOf(const std::map<Key, double>& a, const std::map<Key, double>& b, Better better) {
  Pairs pairs;
  for (const auto& [key, value] : a) {
    const auto found = b.find(key);
    if (found == b.end()) continue;
    pairs.a.push_back(value), pairs.b.push_back(found->second);
    pairs.gain.push_back((found->second - value) * (better == Better::kLess ? -1 : 1));
  }
  return pairs;
}

// Spearman's rank correlation, -1 to 1: Pearson's of the ranks, equal values sharing their mean
// rank. NaN below 3 pairs and where one side has equal values only. Throws Error for sides of
// different length.
double RankCorrelation(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace t3
