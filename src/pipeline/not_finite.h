// Finds the first layer of the denoiser whose output is not finite.
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

struct FaultyLayerFound {
  std::string name;  // of the layer's weights ("blocks.3", "patch_embedding", "text_embedding"), or
                     // "the latents" if the input is not finite; "" if everything is finite
  int64_t depth = 0;  // counts the layers from the input on
};

// Repeats the forward and checks each layer's output: to its end, since other ranks may take part.
FaultyLayerFound FirstNotFinite(const Dit& dit, const ForwardInput& input, const TextContext& text,
                                const AttentionLayout& attention);

}  // namespace t3
