// Finding the layer of the denoiser that first makes a value that is not finite.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "models/dit/dit.h"

namespace t3 {

struct ForwardInput {
  const at::Tensor& latents;  // (z,T,h,w)
  double timestep;
  int64_t clean_frames;
};

// Runs the forward once more and watches. The name is that of the layer's weights ("blocks.3",
// "patch_embedding", "text_embedding"), or "the latents" where they come in damaged; "" when all is
// finite.
std::string FirstNotFinite(const Dit& dit, const ForwardInput& input, const TextContext& text,
                           const AttentionLayout& attention);

}  // namespace t3
