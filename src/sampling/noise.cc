// Noise by torch's CPU generator.
#include "sampling/noise.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "base/mix_bits.h"

namespace t3 {

at::Tensor TorchNoise(uint64_t seed, at::IntArrayRef shape) {
  return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed), at::kFloat);
}

uint64_t StepSeed(uint64_t seed, int64_t step) {
  return MixBits(MixBits(seed) + static_cast<uint64_t>(step));
}

}  // namespace t3
