// A Linear layer over the last dimension.
#pragma once

#include <ATen/core/Tensor.h>

#include "nn/tensor_map.h"
#include "ops/linear/linear_input.h"
#include "ops/linear/linear_weights.h"

namespace t3 {

struct Linear {
  at::Tensor weight;  // (out, in)
  at::Tensor bias;    // (out) or undefined
  at::Tensor scale;   // (out) fp32 if the weight is e4m3 codes (ops/linear/linear_weights.h)

  Linear() = default;
  // Takes `prefix`.weight and, if the map has them, `prefix`.bias and `prefix`.weight_scale.
  Linear(const TensorMap& tensors, const std::string& prefix);

  // x (..., in) -> (..., out), in the dtype of the weight.
  at::Tensor operator()(const LinearInput& x) const;

  // The same layer in another dtype; shares memory if the dtype is the same. Of e4m3 codes, a layer
  // of the numbers that they stand for.
  Linear To(at::ScalarType dtype) const;

  // For the ops that fuse more than the product.
  operator LinearWeights() const { return {weight, bias, scale}; }
};

}  // namespace t3
