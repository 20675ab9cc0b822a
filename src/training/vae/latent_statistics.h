// Mean and spread of a VAE's latents, by which its file says how to normalise them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/vae/vae.h"
#include "nn/tensor_map.h"

namespace t3 {

// Adds up per latent channel over any number of clips, in float64, by merging each clip's mean and
// squared deviations (no difference of large sums).
class LatentStatistics {
 public:
  explicit LatentStatistics(int64_t channels);

  // mu (z,T,h,w) or (B,z,T,h,w), not normalised. Throws Error for another number of channels and
  // for values that are not finite.
  void Add(const at::Tensor& mu);

  int64_t count() const { return count_; }  // elements a channel so far
  std::vector<double> Mean() const;
  // Population standard deviations. Throws Error when nothing was added or a channel is constant: a
  // dead channel cannot be normalised.
  std::vector<double> Std() const;

 private:
  int64_t count_ = 0;
  at::Tensor mean_;     // (z) float64 on the CPU
  at::Tensor squared_;  // (z) sums of squared deviations from mean_
};

// `config` with mean and std of the posterior's means over `clips` videos (3,F,H,W), given one at a
// time by `clip`. The VAE's own mean and std play no part. Without gradients.
VaeConfig MeasureLatents(const Vae& vae, int64_t clips,
                         const std::function<at::Tensor(int64_t index)>& clip);

// Writes both halves as safetensors under original names, in the dtype of the tensors, with the
// metadata from which ReadVaeConfig takes mean and std. `tensors` as VaeTensors(config), on any
// device. Throws Error when one is missing or misshapen or the file cannot be written.
void SaveVae(const std::string& path, const VaeConfig& config, const TensorMap& tensors);

}  // namespace t3
