// Means with confidence intervals, and which direction of a measure is better.
#pragma once

#include <cstdint>
#include <limits>

namespace t3 {

enum class Better { kMore, kLess, kNeither };

// A mean of independent values and its 95 % interval, which need not have the mean in its middle.
struct MeanInterval {
  double mean = 0;
  double low = 0, high = 0;  // infinite for one value of a measure without bounds
  int64_t count = 0;         // of values
  double half_width() const { return (high - low) / 2; }
  bool has_bounds() const { return half_width() < std::numeric_limits<double>::infinity(); }
};

}  // namespace t3
