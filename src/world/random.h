// SplitMix64: the few numbers that a scene is drawn from.
#pragma once

#include <cstdint>

namespace t3 {

class WorldRandom {
 public:
  explicit WorldRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // 0 to count - 1; the bias is below count / 2^64.
  int Pick(int count) { return static_cast<int>(Next() % static_cast<uint64_t>(count)); }
  double Between(double low, double high) {
    return low + (high - low) * (static_cast<double>(Next() >> 11) * 0x1p-53);
  }

 private:
  uint64_t state_;
};

}  // namespace t3
