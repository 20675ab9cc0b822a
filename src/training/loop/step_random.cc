// Counter-based random numbers.
#include "training/loop/step_random.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include "base/mix_bits.h"

namespace t3 {

StepRandom::StepRandom(int64_t seed, int64_t step, int64_t micro)
    : state_(MixBits(MixBits(MixBits(static_cast<uint64_t>(seed)) ^ static_cast<uint64_t>(step)) ^
                     static_cast<uint64_t>(micro))) {}

uint64_t StepRandom::Bits(Draw use, int64_t index) const {
  return MixBits(MixBits(state_ ^ static_cast<uint64_t>(use)) ^ static_cast<uint64_t>(index));
}

double StepRandom::Uniform(Draw use, int64_t index) const {
  return static_cast<double>(Bits(use, index) >> 11) * 0x1p-53;
}

int64_t StepRandom::Integer(Draw use, int64_t index, int64_t bound) const {
  return static_cast<int64_t>(Uniform(use, index) * static_cast<double>(bound));
}

at::Tensor StepRandom::Normal(Draw use, at::IntArrayRef shape, at::Device device,
                              int64_t index) const {
  at::Generator generator = at::globalContext().defaultGenerator(device).clone();
  generator.set_current_seed(Bits(use, index));
  return at::randn(shape, generator, at::TensorOptions().dtype(at::kFloat).device(device));
}

}  // namespace t3
