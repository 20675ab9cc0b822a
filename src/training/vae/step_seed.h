// Seeds that depend on (seed, step) alone, so that training resumes without generator state.
#pragma once

#include <cstdint>

#include "base/mix_bits.h"

namespace t3 {

// What a step draws; every use has a separate sequence.
enum class SeedUse : uint64_t { kLatents = 1 };

inline uint64_t StepSeed(uint64_t seed, int64_t step, SeedUse use) {
  return MixBits(MixBits(MixBits(seed) ^ static_cast<uint64_t>(step)) ^ static_cast<uint64_t>(use));
}

}  // namespace t3
