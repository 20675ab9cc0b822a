// Settings of a sampling run.
#pragma once

#include <cstdint>

#include "t3video/generation_params.h"

namespace t3 {

struct SamplingConfig {
  Sampler sampler = Sampler::kUniPC;
  int64_t steps = 50;
  double guidance = 5;  // 1: the unconditional branch is skipped
  double shift = 5;
  bool operator==(const SamplingConfig&) const = default;
};

}  // namespace t3
