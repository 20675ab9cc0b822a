// Distribution matching: how a sample must change to be more like the teacher's and less like the
// student's.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "training/distill/distill_config.h"
#include "training/loop/step_random.h"

namespace t3 {

// Samples (B,z,T,h,w) with noise of a level for each.
struct ScoredBatch {
  at::Tensor noisy, noise;        // (B,z,T,h,w) fp32
  at::Tensor levels;              // (B,1,1,1,1) fp32
  std::vector<double> timesteps;  // B
};

// u in [0, 1) -> the level: min + (max - min) u, shifted, clamped to [min, max].
double ScoreLevel(const ScoreConfig& config, double u);

ScoredBatch AddScoreNoise(const at::Tensor& samples, const ScoreConfig& config,
                          const StepRandom& random);

// (1 - s) x + s noise.
ScoredBatch NoisyAt(const at::Tensor& samples, const at::Tensor& noise,
                    const std::vector<double>& levels);

// The clean latents that a velocity of batch.noisy predicts.
at::Tensor Predicted(const ScoredBatch& batch, const at::Tensor& velocity);

// (critic's - teacher's) / mean |samples - teacher's|, the predictions being of clean latents and
// the mean over each clip; NaN is 0. fp32.
at::Tensor DmdGradient(const at::Tensor& samples, const at::Tensor& critic,
                       const at::Tensor& teacher);

// Half the mean square of samples - (samples - gradient), the second constant: its gradient with
// respect to the samples is `gradient` / elements. fp64 scalar.
at::Tensor DmdLoss(const at::Tensor& samples, const at::Tensor& gradient);

// Mean squared error of the velocity at constant samples. fp32 scalar.
at::Tensor CriticLoss(const ScoredBatch& batch, const at::Tensor& samples,
                      const at::Tensor& velocity);

}  // namespace t3
