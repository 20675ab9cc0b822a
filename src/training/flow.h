// Flow matching as Wan trains it: x_t = (1 - s) x0 + s noise, target noise - x0.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "training/random.h"
#include "training/train_config.h"

namespace t3 {

// 1000 noise levels s = shift u / (1 + (shift - 1) u), u = 1, 0.999, ..., 0.001, each drawn equally
// often.
class TimestepTable {
 public:
  static constexpr int64_t kSize = 1000;
  explicit TimestepTable(const TimestepConfig& config);
  double sigma(int64_t i) const { return sigmas_[i]; }
  double timestep(int64_t i) const { return 1000 * sigmas_[i]; }
  // kGaussian: exp(-2 ((t - 500) / 1000)^2), shifted to minimum 0 and scaled to mean 1 over the
  // table, as the reference trainer has it. kNone: 1.
  double weight(int64_t i) const { return weights_[i]; }

 private:
  std::vector<double> sigmas_, weights_;
};

// What a micro batch of B videos is trained on.
struct NoisyBatch {
  at::Tensor noisy, target;       // (B,z,T,h,w) fp32
  std::vector<double> timesteps;  // B
  at::Tensor weights;             // (B) fp32
};

// latents (B,z,T,h,w) fp32.
NoisyBatch AddNoise(const at::Tensor& latents, const TimestepTable& table,
                    const StepRandom& random);

// Mean over videos of weight * mean squared error. fp32 scalar.
at::Tensor FlowLoss(const at::Tensor& velocity, const NoisyBatch& batch);

}  // namespace t3
