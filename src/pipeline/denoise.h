// The denoising loop: noise to latents.
#pragma once

#include <ATen/core/Tensor.h>

#include "config/sampling_config.h"
#include "models/dit/dit.h"
#include "pipeline/stage.h"

namespace t3 {

struct DenoiseInput {
  SamplingConfig sampling;
  at::Tensor noise;        // (z,T,h,w) fp32
  at::Tensor first_frame;  // (z,1,h,w) fp32, the encoded image; undefined for text to video
  at::Tensor prompt;       // (tokens, text width)
  at::Tensor negative;     // likewise; undefined where guidance is 1
};

// Runs all steps and returns latents (z,T,h,w) fp32 on the denoiser's device. Advances `stage` once
// a step. Throws Error that names the step when a value is no longer finite.
at::Tensor Denoise(const Dit& dit, const DitAttention& attention, const DenoiseInput& input,
                   at::Device device, Stage& stage);

}  // namespace t3
