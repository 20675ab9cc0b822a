// Flow matching as Wan trains it: x_t = (1 - s) x0 + s noise, target noise - x0.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "training/dit/dit_config.h"
#include "training/loop/step_random.h"

namespace t3 {

// 1000 noise levels s = shift u / (1 + (shift - 1) u), u = 1, 0.999, ..., 0.001. Those whose
// timestep 1000 s lies within config.min and config.max are drawn, equally often.
class TimestepTable {
 public:
  static constexpr int64_t kSize = 1000;
  // Throws Error when no timestep is within the limits.
  explicit TimestepTable(const TimestepConfig& config);
  // The levels that are drawn: [first, first + count).
  int64_t first() const { return first_; }
  int64_t count() const { return count_; }
  double sigma(int64_t i) const { return sigmas_[i]; }
  double timestep(int64_t i) const { return 1000 * sigmas_[i]; }
  // kGaussian: exp(-2 ((t - 500) / 1000)^2), shifted to minimum 0 and scaled to mean 1 over the
  // table, as in the reference trainer. kNone: 1.
  double weight(int64_t i) const { return weights_[i]; }

 private:
  std::vector<double> sigmas_, weights_;
  int64_t first_ = 0, count_ = kSize;
};

// Input, target and loss weights of a micro batch of B clips.
struct NoisyBatch {
  at::Tensor noisy, target;       // (B,z,T,h,w) fp32
  std::vector<double> timesteps;  // B
  at::Tensor weights;             // (B) fp32
  // B: the first latent frames that a clip is conditioned on. They are the clip's in `noisy`, have
  // timestep 0 and no loss. 1 for image to video, else 0.
  std::vector<int64_t> clean_frames = {};
  at::Tensor places = {};  // (B,1,T,h,w) fp32: weights of the places of a clip; undefined: 1
};

// Where a refiner starts: at `level`, from the clips' drafts with noise.
struct DraftStart {
  at::Tensor drafts;  // (B,z,T,h,w) fp32
  double level = 1;   // above 0
};

// The straight path from a draft with noise to its clip: with the start
// e = (1 - level) draft + level noise, x_s = (1 - s / level) clip + (s / level) e, and the target
// is its derivative (e - clip) / level. With the clip as its own draft this is AddNoise. `table`:
// levels up to that of the start.
NoisyBatch AddNoiseFromDrafts(const at::Tensor& latents, const DraftStart& start,
                              const TimestepTable& table, const StepRandom& random);

// latents (B,z,T,h,w) fp32. `image_to_video`: the probability with which a clip is conditioned on
// its first latent frame; clips of one latent frame never are.
NoisyBatch AddNoise(const at::Tensor& latents, const TimestepTable& table, const StepRandom& random,
                    double image_to_video = 0);

// Gives the places of each clip the mean of `weights` (B,1,T,h,w) and 1, by its noise level s:
// (1 - s) weights + s. The minimum of a weighted error is a weighted mean of the clips that are
// still possible, which differs from the mean where the weights are uncertain: in noise.
void WeighPlaces(const at::Tensor& weights, NoisyBatch* batch);

// Mean over clips of weight * mean of the squared errors, times the weights of their places, of the
// frames that are predicted. fp32 scalar.
at::Tensor FlowLoss(const at::Tensor& velocity, const NoisyBatch& batch);

}  // namespace t3
