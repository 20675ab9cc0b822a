// Means with confidence intervals.
#pragma once

#include <cstdint>
#include <vector>

namespace t3 {

// The t with 95 % of the mass of Student's distribution with `freedom` >= 1 degrees of freedom
// between -t and t.
double StudentQuantile(int64_t freedom);

struct MeanInterval {
  double mean = 0;
  double half_width = 0;  // of the 95 % interval of the mean; infinite for one value
  int64_t count = 0;
  double low() const { return mean - half_width; }
  double high() const { return mean + half_width; }
};

// By Student's t, for independent values. Throws Error without values.
MeanInterval MeanOf(const std::vector<double>& values);

}  // namespace t3
