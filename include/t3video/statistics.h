// Means with confidence intervals, and which direction of a measure is better.
#pragma once

#include <cstdint>

namespace t3 {

enum class Better { kMore, kLess, kNeither };

// A mean of independent values and its 95 % interval by Student's t.
struct MeanInterval {
  double mean = 0;
  double half_width = 0;  // infinite for one value
  int64_t count = 0;      // of values
  double low() const { return mean - half_width; }
  double high() const { return mean + half_width; }
};

}  // namespace t3
