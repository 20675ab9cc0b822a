// splitmix64: a hash that is the same on every machine.
#pragma once

#include <cstdint>

namespace t3 {

// The increment of splitmix64's state.
inline constexpr uint64_t kMixStep = 0x9e3779b97f4a7c15;

// splitmix64's output for state `x`: neighbouring inputs give unrelated outputs.
constexpr uint64_t MixBits(uint64_t x) {
  x += kMixStep;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// The sequence of outputs for a seed.
class MixSequence {
 public:
  explicit MixSequence(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    const uint64_t number = MixBits(state_);
    state_ += kMixStep;
    return number;
  }

 private:
  uint64_t state_;
};

}  // namespace t3
