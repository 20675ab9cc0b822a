// Weights of the loss where the world's objects are.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "world/scene.h"

namespace t3 {

// Where the scenes' objects are within one latent in space or time: (scenes,1,T,h,w) bool for
// latents (.,z,T,h,w) of clips of `frames` frames, on their device. What lies behind a moving
// object is to be learned as well.
at::Tensor NearObjects(std::span<const WorldScene> scenes, int64_t frames,
                       const at::Tensor& latents);

// Weights with a mean of 1 for each clip, `weight` times as large where `near` than elsewhere, fp32
// of its shape: objects fill about 2 % of a picture, so a mean of errors over it hardly depends on
// their outlines.
at::Tensor ObjectWeights(const at::Tensor& near, double weight);

}  // namespace t3
