// A digest of a tensor's contents.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "base/digest.h"

namespace t3 {

// Of the bytes of `tensor` in the order of its elements, on any device.
inline std::string TensorDigest(const at::Tensor& tensor) {
  const at::Tensor data = tensor.detach().cpu().contiguous();
  return DigestText(
      Digest(std::span(static_cast<const std::byte*>(data.const_data_ptr()), data.nbytes())));
}

}  // namespace t3
