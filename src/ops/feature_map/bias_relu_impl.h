// The implementation behind bias_relu.h besides the reference (bias_relu_cuda.cc).
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

void BiasReluCuda(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x,
                  const at::Tensor& out);

}  // namespace t3
