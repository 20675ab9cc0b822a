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

// Levels from steps and shift, for strength S and N steps:
// - The run takes n = max(1, round(S * N)) steps from shift * S / (1 + (shift - 1) * S), uniform in
//   the level before the shift. Where S * N is an integer, these are the last n steps of the whole
//   schedule, bit for bit. UniPC's levels start at 0.999 S, as Wan's whole schedule starts at
//   0.999, and its timesteps are truncated to integers.
// - kRcm has levels of its own for 1 to 4 steps, which count as a list.
// Levels from a list: those that are not above shift * S / (1 + (shift - 1) * S) by more than half
// a timestep, because lists are rounded; the last level at least. At strength 1 that is all of them
// and `shift` has no effect. `steps` is not used.
//
// Throws Error of kind kUsage when steps < 1 (kRcm: or > 4), when shift is not positive and finite
// or gives sigmas that are not, when strength is outside (0, 1], when there are so many steps that
// neighbouring levels are equal, when both lists are given, and when a list does not fall within
// its range.
Schedule MakeSchedule(const SamplingConfig& config);

// The steps that a run of these settings takes: those of MakeSchedule, which throws the same.
int64_t StepCount(const SamplingConfig& config);

}  // namespace t3
