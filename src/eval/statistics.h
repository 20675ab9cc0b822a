// Means with their intervals.
#pragma once

#include <cstdint>
#include <vector>

namespace t3 {

// The t for which Student's distribution with `freedom` >= 1 degrees of freedom has 95 % of its
// mass between -t and t.
double StudentQuantile(int64_t freedom);

struct MeanInterval {
  double mean = 0;
  double half_width = 0;  // of the 95 % interval of the mean; infinite for one value
  int64_t count = 0;
  double low() const { return mean - half_width; }
  double high() const { return mean + half_width; }
};

// By Student's t, the values independent. Throws Error without a value.
MeanInterval MeanOf(const std::vector<double>& values);

}  // namespace t3
