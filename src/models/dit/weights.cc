// Weights as the denoiser wants them.
#include "models/dit/weights.h"

#include <ATen/ATen.h>

#include "ops/dispatch.h"

namespace t3 {

bool IsFloatTensor(std::string_view name) {
  return name.starts_with("patch_embedding.") || name.starts_with("time_") ||
         name.starts_with("head.") || name.ends_with(".modulation") ||
         name.find(".norm") != std::string_view::npos;
}

at::Tensor FloatTensor(const TensorMap& tensors, const std::string& name) {
  const at::Tensor& tensor = GetTensor(tensors, name);
  return tensor.to(ComputeType(tensor));
}

Linear FloatLinear(const TensorMap& tensors, const std::string& prefix) {
  Linear linear;
  linear.weight = FloatTensor(tensors, prefix + ".weight");
  linear.bias = FloatTensor(tensors, prefix + ".bias");
  return linear;
}

Linear Concatenate(const std::vector<Linear>& linears) {
  std::vector<at::Tensor> weights, biases;
  for (const Linear& linear : linears) {
    weights.push_back(linear.weight);
    biases.push_back(linear.bias);
  }
  Linear all;
  all.weight = at::cat(weights);
  all.bias = at::cat(biases);
  return all;
}

}  // namespace t3
