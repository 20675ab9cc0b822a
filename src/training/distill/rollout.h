// Samples of a network in a few steps, of which the last one may be differentiated.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "config/sampling_config.h"
#include "sampling/solver.h"

namespace t3 {

// x (B,z,T,h,w) at `timestep` in (0, 1000] -> velocity of the same shape, fp32.
using VelocityFn = std::function<at::Tensor(const at::Tensor& x, double timestep)>;

// What a sample starts from: noise, and under a first level below 1 the latents that it is added
// to; (B,z,T,h,w) fp32.
struct RolloutStart {
  at::Tensor noise;
  at::Tensor clean;  // undefined: pure noise
  StepNoise renoise;
};

// Takes `step` steps of `sampling` without gradients, as `t3 generate` does, then predicts the
// clean latents from there: x - s v(x), with gradients where the caller records them. The last
// step's prediction is the sample.
at::Tensor PredictAfter(int64_t step, const SamplingConfig& sampling, const RolloutStart& start,
                        const VelocityFn& velocity);

// All steps, without gradients.
at::Tensor SampleLatentsOf(const SamplingConfig& sampling, const RolloutStart& start,
                           const VelocityFn& velocity);

// The latents before step `step`, without gradients.
at::Tensor LatentsBefore(int64_t step, const SamplingConfig& sampling, const RolloutStart& start,
                         const VelocityFn& velocity);

}  // namespace t3
