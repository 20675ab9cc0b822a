// Settings of a sampling run.
#pragma once

#include <cstdint>
#include <vector>

#include "t3video/generation_params.h"

namespace t3 {

struct SamplingConfig {
  Sampler sampler = Sampler::kUniPC;
  int64_t steps = 50;   // of the whole schedule
  double guidance = 5;  // 1: the unconditional branch is skipped
  double shift = 5;
  // In (0, 1]: a run starts at the noise level of this share of the schedule, and takes that share
  // of its steps.
  double strength = 1;
  // Levels that fall, in place of those that `steps` and `shift` give; one of the two at most.
  std::vector<double> timesteps = {};  // in (0, 1000]
  std::vector<double> sigmas = {};     // in (0, 1]

  bool has_list() const { return !timesteps.empty() || !sigmas.empty(); }
  bool operator==(const SamplingConfig&) const = default;
};

// True for samplers that add new noise after each step, which a seed decides.
bool AddsNoise(Sampler sampler);

}  // namespace t3
