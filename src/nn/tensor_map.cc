// TensorMap look-up.
#include "nn/tensor_map.h"

#include "base/check.h"

namespace t3 {

const at::Tensor& GetTensor(const TensorMap& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  T3_CHECK(found != tensors.end(), "tensor {} was not loaded", name);
  return found->second;
}

}  // namespace t3
