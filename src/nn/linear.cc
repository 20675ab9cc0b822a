// Linear over ATen.
#include "nn/linear.h"

#include <ATen/ATen.h>

#include "ops/linear/linear.h"

namespace t3 {

Linear::Linear(const TensorMap& tensors, const std::string& prefix)
    : weight(GetTensor(tensors, prefix + ".weight")) {
  const auto optional = [&](const char* name) {
    const auto found = tensors.find(prefix + name);
    return found == tensors.end() ? at::Tensor() : found->second;
  };
  bias = optional(".bias");
  scale = optional(".weight_scale");
}

Linear Linear::To(at::ScalarType dtype) const {
  Linear converted;
  converted.weight =
      scale.defined() ? (weight.to(at::kFloat) * scale.unsqueeze(1)).to(dtype) : weight.to(dtype);
  if (bias.defined()) converted.bias = bias.to(dtype);
  return converted;
}

at::Tensor Linear::operator()(const LinearInput& x) const { return ApplyLinear(x, *this); }

}  // namespace t3
