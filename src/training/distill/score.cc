// The formulas of distribution matching distillation.
#include "training/distill/score.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "config/sampling_config.h"

namespace t3 {

double ScoreLevel(const ScoreConfig& config, double u) {
  const double level = config.min + (config.max - config.min) * u;
  const double shifted = ShiftedLevel(level, config.shift);
  return std::clamp(shifted, config.min, config.max);
}

ScoredBatch NoisyAt(const at::Tensor& samples, const at::Tensor& noise,
                    const std::vector<double>& levels) {
  ScoredBatch batch;
  batch.noise = noise;
  batch.levels = at::tensor(levels, at::kFloat).to(samples.device()).view({-1, 1, 1, 1, 1});
  batch.noisy = at::lerp(samples, noise, batch.levels);
  for (const double level : levels) batch.timesteps.push_back(kMaxTimestep * level);
  return batch;
}

ScoredBatch AddScoreNoise(const at::Tensor& samples, const ScoreConfig& config,
                          const StepRandom& random) {
  std::vector<double> levels;
  for (int64_t i = 0; i < samples.size(0); ++i) {
    levels.push_back(ScoreLevel(config, random.Uniform(Draw::kScoreLevel, i)));
  }
  return NoisyAt(samples, random.Normal(Draw::kScoreNoise, samples.sizes(), samples.device()),
                 levels);
}

at::Tensor Predicted(const ScoredBatch& batch, const at::Tensor& velocity) {
  return batch.noisy - batch.levels * velocity;
}

at::Tensor DmdGradient(const at::Tensor& samples, const at::Tensor& critic,
                       const at::Tensor& teacher) {
  const at::Tensor scale = (samples - teacher).abs().flatten(1).mean(1).view({-1, 1, 1, 1, 1});
  return ((critic - teacher) / scale).nan_to_num(0, 0, 0);
}

at::Tensor DmdLoss(const at::Tensor& samples, const at::Tensor& gradient) {
  const at::Tensor target = (samples.detach() - gradient).to(at::kDouble);
  return 0.5 * (samples.to(at::kDouble) - target).square().mean();
}

at::Tensor CriticLoss(const ScoredBatch& batch, const at::Tensor& samples,
                      const at::Tensor& velocity) {
  return (velocity - (batch.noise - samples)).square().mean();
}

}  // namespace t3
