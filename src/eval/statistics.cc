// Student's t by its finite sums for integer degrees of freedom.
#include "eval/statistics.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "base/check.h"

namespace t3 {
namespace {

constexpr double kConfidence = 0.95;

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
  T3_CHECK(!values.empty(), "statistics: the mean of no values");
  const auto count = static_cast<double>(values.size());
  MeanInterval result{.count = static_cast<int64_t>(values.size())};
  for (const double value : values) result.mean += value / count;
  if (values.size() == 1) {
    result.half_width = std::numeric_limits<double>::infinity();
    return result;
  }
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.half_width = StudentQuantile(result.count - 1) * std::sqrt(squares / (count - 1) / count);
  return result;
}

}  // namespace t3
