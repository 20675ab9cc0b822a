// Mean and standard deviation of a VAE's latents, with which its file tells how to normalise them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/vae/vae.h"
#include "nn/tensor_map.h"

namespace t3 {

// Accumulates over any number of clips, per latent channel in float64, by merging each clip's mean
// and squared deviations (no difference of large sums).
class LatentStatistics {
 public:
  explicit LatentStatistics(int64_t channels);

  // mu: (z,T,h,w) or (B,z,T,h,w), not normalised. Throws Error for another number of channels and
  // for values that are not finite.
  void Add(const at::Tensor& mu);

  int64_t count() const { return count_; }  // elements per channel so far
  std::vector<double> Mean() const;
  // Population standard deviations. Throws Error without clips or when a channel is constant,
  // because it cannot be normalised.
  std::vector<double> Std() const;

 private:
  int64_t count_ = 0;
  at::Tensor mean_;     // (z) float64 on the CPU
  at::Tensor squared_;  // (z) sums of squared deviations from mean_
};

// `config` with mean and std of the posterior means over `clips` videos (3,F,H,W), which `clip`
// gives one at a time. The VAE's current mean and std do not matter. Without gradients.
VaeConfig MeasureLatents(const Vae& vae, int64_t clips,
                         const std::function<at::Tensor(int64_t index)>& clip);

// Writes both halves as safetensors with original names, in the dtype of the tensors, and with the
// metadata from which ReadVaeConfig reads mean and std. `tensors`: as VaeTensors(config), on any
// device. Throws Error when one is missing or of another shape, or the file cannot be written.
void SaveVae(const std::string& path, const VaeConfig& config, const TensorMap& tensors);

}  // namespace t3
