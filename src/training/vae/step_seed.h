// Random numbers that depend on (seed, step) alone, so that training resumes without their state.
#pragma once

#include <cstdint>

namespace t3 {

// What a step draws; each has a sequence of its own.
enum class SeedUse : uint64_t { kLatents = 1, kCrops = 2 };

// splitmix64's finaliser: neighbouring inputs give unrelated outputs.
inline uint64_t MixBits(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

inline uint64_t StepSeed(uint64_t seed, int64_t step, SeedUse use) {
  return MixBits(MixBits(MixBits(seed) ^ static_cast<uint64_t>(step)) ^ static_cast<uint64_t>(use));
}

}  // namespace t3
