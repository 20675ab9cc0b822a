// Named tensors, from which a model is built: frozen weights from the loader, or leaves that
// require gradients from the trainer. Models do not distinguish them.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace t3 {

using TensorMap = std::map<std::string, at::Tensor>;

// The tensor `name`; throws Error that names it if it is absent. Loading checks completeness and
// shapes (nn/load.h), so this is a programming error.
const at::Tensor& GetTensor(const TensorMap& tensors, const std::string& name);

}  // namespace t3
