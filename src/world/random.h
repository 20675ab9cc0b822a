// SplitMix64: the few numbers that a scene is drawn from.
#pragma once

#include <cstdint>

#include "base/mix_bits.h"

namespace t3 {

class WorldRandom {
 public:
  explicit WorldRandom(uint64_t seed) : numbers_(seed) {}

  uint64_t Next() { return numbers_.Next(); }
  // 0 to count - 1; the bias is below count / 2^64.
  int Pick(int count) { return static_cast<int>(Next() % static_cast<uint64_t>(count)); }
  double Between(double low, double high) {
    return low + (high - low) * (static_cast<double>(Next() >> 11) * 0x1p-53);
  }

 private:
  MixSequence numbers_;
};

}  // namespace t3
