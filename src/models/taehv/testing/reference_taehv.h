// The reference TAEHV: whole sequences at once, from its formulas. It shares no layer with the
// product.
#pragma once

#include <ATen/core/Tensor.h>

#include "config/model_config.h"
#include "nn/tensor_map.h"

namespace t3 {

// latents (z,T,h,w) in model space -> (3,4(T-1)+1,H,W) in [-1,1].
at::Tensor ReferenceTaehvDecode(const TaehvConfig& config, const TensorMap& tensors,
                                const at::Tensor& latents);

// Every tensor of TaehvTensors(config), fp32, scaled so that activations neither vanish nor
// explode.
TensorMap RandomTaehvTensors(const TaehvConfig& config, uint64_t seed);

}  // namespace t3
