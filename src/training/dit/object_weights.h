// Weights of the loss where the world's objects are.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "training/dit/data_config.h"
#include "world/scene.h"

namespace t3 {

// (scenes,1,T,h,w) fp32 for `latents` (.,z,T,h,w) of clips of `size`, on their device, with a mean
// of 1 for each scene. Where an object is within one latent in space or time the weight is `weight`
// times that elsewhere: objects fill about 2 % of a picture, so a mean of errors over it hardly
// depends on their outlines, and what lies behind a moving object is to be learned as well.
at::Tensor ObjectWeights(std::span<const WorldScene> scenes, const WorldLatentSize& size,
                         const at::Tensor& latents, double weight);

}  // namespace t3
