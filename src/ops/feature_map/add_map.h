// Bias and residual of a feature map.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// y (T,R,W,C), contiguous, becomes y + bias + x, in fp32 with one rounding. bias (C) fp32. No
// gradient. Throws Error if shapes do not match.
void AddMap(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x);

}  // namespace t3
