// The reference VAE: whole sequences at once, the formulas of model.md 3. Read it first.
#pragma once

#include <ATen/core/Tensor.h>

#include "config/model_config.h"
#include "nn/tensor_map.h"

namespace t3 {

// latents (z,T,h,w) in model space -> (3,F,H,W) in [-1,1]. No chunks, caches or slabs.
at::Tensor ReferenceDecode(const VaeConfig& config, const TensorMap& tensors,
                           const at::Tensor& latents);

// video (3,F,H,W) -> latents (z,T,h,w) in model space.
at::Tensor ReferenceEncode(const VaeConfig& config, const TensorMap& tensors,
                           const at::Tensor& video);

}  // namespace t3
