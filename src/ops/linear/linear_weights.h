// The weights of a linear layer.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// A view: (out, in) and (out), one dtype; the bias may be undefined.
struct LinearWeights {
  const at::Tensor& weight;
  const at::Tensor& bias;
};

}  // namespace t3
