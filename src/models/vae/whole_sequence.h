// Test oracle: the VAE evaluated over the whole sequence, straight from the model's description.
#pragma once

#include <ATen/core/Tensor.h>

#include "config/model_config.h"
#include "nn/tensor_map.h"

namespace t3 {

// latents (z,T,h,w) in model space -> (3,F,H,W) in [-1,1]. No chunks, caches or slabs.
at::Tensor DecodeWhole(const VaeConfig& config, const TensorMap& tensors,
                       const at::Tensor& latents);

// video (3,F,H,W) -> latents (z,T,h,w) in model space.
at::Tensor EncodeWhole(const VaeConfig& config, const TensorMap& tensors, const at::Tensor& video);

}  // namespace t3
