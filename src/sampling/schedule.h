// Noise levels and timesteps of a sampling run.
#pragma once

#include <cstdint>
#include <vector>

#include "config/sampling_config.h"

namespace t3 {

// Step i takes the latents from sigmas[i] to sigmas[i + 1]; latents at level s are
// (1 - s) * video + s * noise. Values are rounded to fp32, as in the published code.
struct Schedule {
  std::vector<double> sigmas;     // steps + 1 values, falling to 0
  std::vector<double> timesteps;  // steps values in (0, 1000], inputs of the denoiser
};

// Throws Error of kind kUsage when steps < 1, when shift is not positive and finite or gives sigmas
// that are not, and when there are so many steps that neighbouring levels are equal.
Schedule MakeSchedule(Sampler sampler, int64_t steps, double shift);

}  // namespace t3
