// Named tensors: what a model is built from. The trainer hands in leaves that require gradients,
// the loader hands in frozen weights; the models cannot tell.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace t3 {

using TensorMap = std::map<std::string, at::Tensor>;

// The tensor `name`; throws Error that names it when it is absent. The checks of completeness and
// shape happen at loading (models/*/tensors.h), so this failing is a programming error.
const at::Tensor& GetTensor(const TensorMap& tensors, const std::string& name);

}  // namespace t3
