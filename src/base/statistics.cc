// Student's t by its finite sums for integer degrees of freedom; ranks.
#include "base/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "base/check.h"

namespace t3 {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kNormalQuantile = 1.959964;  // of the same confidence

// Mass between -t and t (Abramowitz and Stegun, 26.7.3 and 26.7.4).
double MassWithin(double t, int64_t freedom) {
  const double angle = std::atan(t / std::sqrt(static_cast<double>(freedom)));
  const double sine = std::sin(angle), square = std::cos(angle) * std::cos(angle);
  const bool odd = freedom % 2 == 1;
  double term = odd ? std::cos(angle) : 1, sum = 0;
  // Powers of the cosine up to freedom - 2.
  for (int64_t k = odd ? 3 : 2; k <= freedom; k += 2) {
    sum += term;
    const auto n = static_cast<double>(k);
    term *= square * (n - 1) / n;
  }
  return odd ? 2 / std::numbers::pi * (angle + sine * sum) : sine * sum;
}

// From 1; equal values share the mean of their ranks.
std::vector<double> RanksOf(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t x, size_t y) { return values[x] < values[y]; });
  std::vector<double> ranks(values.size());
  for (size_t first = 0, end = 0; first < order.size(); first = end) {
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    for (size_t i = first; i < end; ++i) ranks[order[i]] = static_cast<double>(first + end + 1) / 2;
  }
  return ranks;
}

MeanInterval MeanAlone(const std::vector<double>& values) {
  T3_CHECK(!values.empty(), "statistics: the mean of no values");
  MeanInterval result{.count = static_cast<int64_t>(values.size())};
  for (const double value : values) result.mean += value / static_cast<double>(values.size());
  return result;
}

// Of a sample of two values at least.
double VarianceOf(const std::vector<double>& values, double mean) {
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares / static_cast<double>(values.size() - 1);
}

// So many independent answers a value, 1 to `answers`, give shares around `p` their variance: one
// where all answers of a value are alike.
double AnswersOfValue(const std::vector<double>& values, double p, int answers) {
  if (values.size() == 1) return 1;
  const double variance = VarianceOf(values, p);
  return variance > 0 ? std::clamp<double>(p * (1 - p) / variance, 1, answers) : answers;
}

double PearsonCorrelation(const std::vector<double>& a, const std::vector<double>& b) {
  const double mean_a = MeanOf(a).mean, mean_b = MeanOf(b).mean;
  double product = 0, square_a = 0, square_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += (a[i] - mean_a) * (b[i] - mean_b);
    square_a += (a[i] - mean_a) * (a[i] - mean_a);
    square_b += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return product / std::sqrt(square_a * square_b);
}

}  // namespace

double StudentQuantile(int64_t freedom) {
  T3_CHECK(freedom >= 1, "statistics: {} degrees of freedom, wanted at least 1", freedom);
  double low = 0, high = 16;  // 12.7 for one degree
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (MassWithin(middle, freedom) < kConfidence ? low : high) = middle;
  }
  return (low + high) / 2;
}

MeanInterval MeanOf(const std::vector<double>& values) {
  MeanInterval result = MeanAlone(values);
  double half_width = std::numeric_limits<double>::infinity();
  if (result.count > 1) {
    half_width = StudentQuantile(result.count - 1) *
                 std::sqrt(VarianceOf(values, result.mean) / static_cast<double>(result.count));
  }
  result.low = result.mean - half_width, result.high = result.mean + half_width;
  return result;
}

// Wilson (1927), J. Am. Stat. Assoc. 22, 209.
MeanInterval ShareOf(const std::vector<double>& values, int answers) {
  MeanInterval result = MeanAlone(values);
  const double p = result.mean, spread = p * (1 - p);
  const double n = static_cast<double>(result.count) * AnswersOfValue(values, p, answers);
  const double z = kNormalQuantile, shrink = 1 + z * z / n;
  const double middle = (p + z * z / (2 * n)) / shrink;
  const double half_width = z * std::sqrt(spread / n + z * z / (4 * n * n)) / shrink;
  result.low = std::max(0.0, middle - half_width);
  result.high = std::min(1.0, middle + half_width);
  return result;
}

MeanInterval ShareGainOf(const std::vector<double>& gains, int answers) {
  MeanInterval result = MeanAlone(gains);
  const double n = static_cast<double>(result.count) + 2;
  double sum = 0, squares = 2.0 / (answers * answers);
  for (const double gain : gains) sum += gain, squares += gain * gain;
  const double middle = sum / n;
  const double half_width = kNormalQuantile * std::sqrt((squares / n - middle * middle) / n);
  result.low = std::min(result.mean, std::max(-1.0, middle - half_width));
  result.high = std::max(result.mean, std::min(1.0, middle + half_width));
  return result;
}

double RankCorrelation(const std::vector<double>& a, const std::vector<double>& b) {
  T3_CHECK(a.size() == b.size(), "statistics: {} values against {}", a.size(), b.size());
  constexpr size_t kMinPairs = 3;
  if (a.size() < kMinPairs) return std::numeric_limits<double>::quiet_NaN();
  return PearsonCorrelation(RanksOf(a), RanksOf(b));
}

}  // namespace t3
