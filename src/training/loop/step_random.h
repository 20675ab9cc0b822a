// Random numbers of a step. They depend on (seed, step, micro batch, use) alone: resuming needs no
// generator state, and runs that differ in their attention see the same noise and timesteps.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// What is drawn; every use has a separate sequence.
enum class Draw : uint64_t {
  kNoise = 1,
  kTimestep,
  kDropout,
  kBatch,
  kImageToVideo,
  kTruncation,  // the step after which a student's sample ends
  kRenoise,     // what a sampler adds after a step
  kScoreLevel,  // noise levels at which a sample is judged
  kScoreNoise
};

class StepRandom {
 public:
  StepRandom(int64_t seed, int64_t step, int64_t micro);

  // In [0, 1), for item `index` of the micro batch.
  double Uniform(Draw use, int64_t index) const;
  // In [0, bound).
  int64_t Integer(Draw use, int64_t index, int64_t bound) const;
  // Standard normal, fp32 on `device`; one use may draw several, each with an index of its own. A
  // CPU and a GPU draw different numbers.
  at::Tensor Normal(Draw use, at::IntArrayRef shape, at::Device device, int64_t index = 0) const;

 private:
  uint64_t Bits(Draw use, int64_t index) const;
  uint64_t state_;
};

}  // namespace t3
