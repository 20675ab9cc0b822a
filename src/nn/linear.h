// A Linear layer over the last dimension.
#pragma once

#include <ATen/core/Tensor.h>

#include "nn/tensor_map.h"
#include "ops/linear/linear_weights.h"

namespace t3 {

struct Linear {
  at::Tensor weight;  // (out, in)
  at::Tensor bias;    // (out) or undefined

  Linear() = default;
  // Takes `prefix`.weight and, if the map has it, `prefix`.bias.
  Linear(const TensorMap& tensors, const std::string& prefix);

  // x (..., in) -> (..., out), in the dtype of the weight.
  at::Tensor operator()(const at::Tensor& x) const;

  // The same layer in another dtype; shares memory if the dtype is the same.
  Linear To(at::ScalarType dtype) const;

  // For the ops that fuse more than the product.
  operator LinearWeights() const { return {weight, bias}; }
};

}  // namespace t3
