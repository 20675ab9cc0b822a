// Noise levels and timesteps of a sampling run.
#pragma once

#include <cstdint>
#include <vector>

#include "config/sampling_config.h"

namespace t3 {

// Step i takes the latents from sigmas[i] to sigmas[i + 1]; latents at level s are
// (1 - s) * video + s * noise. The values are those that fp32 holds, as in the published code.
struct Schedule {
  std::vector<double> sigmas;     // steps + 1 values, falling to 0
  std::vector<double> timesteps;  // steps values in (0, 1000], what the denoiser is told
};

// Throws Error of kind kUsage when steps < 1, shift is not positive and finite, or the steps are so
// many that neighbouring levels are equal.
Schedule MakeSchedule(Sampler sampler, int64_t steps, double shift);

}  // namespace t3
