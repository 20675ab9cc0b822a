// Linear over ATen.
#include "nn/linear.h"

#include "ops/linear/linear.h"

namespace t3 {

Linear::Linear(const TensorMap& tensors, const std::string& prefix)
    : weight(GetTensor(tensors, prefix + ".weight")) {
  const auto found = tensors.find(prefix + ".bias");
  if (found != tensors.end()) bias = found->second;
}

at::Tensor Linear::operator()(const at::Tensor& x) const { return ApplyLinear(x, *this); }

}  // namespace t3
