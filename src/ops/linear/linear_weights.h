// The weights of a linear layer.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// A view: (out, in) and (out), one dtype; the bias may be undefined.
//
// With a scale the weight holds e4m3 codes: output channel o is scale[o] times its row. Such a
// layer reads its input as e4m3 codes too (linear_input.h); it has a bias, in the dtype of its
// result, and no gradient.
struct LinearWeights {
  const at::Tensor& weight;
  const at::Tensor& bias;
  at::Tensor scale{};  // (out) fp32, or undefined

  bool fp8() const { return scale.defined(); }
};

}  // namespace t3
