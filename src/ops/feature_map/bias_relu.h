// Bias, residual and ReLU of a feature map.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// out becomes max(y + bias + x, 0), in fp32 with one rounding. y, x and out (T,R,W,C), contiguous;
// `out` may be y. x may be undefined: no residual; so may bias (C) fp32. No gradient. Throws Error
// if shapes do not match.
void BiasRelu(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x,
              const at::Tensor& out);

}  // namespace t3
