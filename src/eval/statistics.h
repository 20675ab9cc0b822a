// Means with confidence intervals.
#pragma once

#include <cstdint>
#include <vector>

#include "t3video/eval.h"

namespace t3 {

// The t with 95 % of the mass of Student's distribution with `freedom` >= 1 degrees of freedom
// between -t and t.
double StudentQuantile(int64_t freedom);

// By Student's t, for independent values. Throws Error without values.
MeanInterval MeanOf(const std::vector<double>& values);

}  // namespace t3
