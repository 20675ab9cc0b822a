// Linear over ATen.
#include "nn/linear.h"

#include "ops/linear/linear.h"

namespace t3 {

Linear::Linear(const TensorMap& tensors, const std::string& prefix)
    : weight(GetTensor(tensors, prefix + ".weight")) {
  const auto found = tensors.find(prefix + ".bias");
  if (found != tensors.end()) bias = found->second;
}

Linear Linear::To(at::ScalarType dtype) const {
  Linear converted;
  converted.weight = weight.to(dtype);
  if (bias.defined()) converted.bias = bias.to(dtype);
  return converted;
}

at::Tensor Linear::operator()(const at::Tensor& x) const { return ApplyLinear(x, *this); }

}  // namespace t3
