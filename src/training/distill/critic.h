// The network that learns what the student's samples look like.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "training/distill/networks.h"
#include "training/dit/trained_dit.h"
#include "training/loop/local_optimizer.h"

namespace t3 {

// Notices a loss that grows without bound: its running mean against the lowest that it had.
class DivergenceWatch {
 public:
  explicit DivergenceWatch(double factor) : factor_(factor) {}
  // Throws Error when the running mean exceeds factor * lowest, from value kWarmUp on.
  void Add(double loss);
  // That the last value or the running mean exceeds factor * lowest, the first values included.
  bool Suspects() const { return suspects_; }
  // (3) fp64.
  at::Tensor State() const;
  void Restore(const at::Tensor& state);

  static constexpr int64_t kWarmUp = 5;

 private:
  double factor_;
  double mean_ = 0, lowest_ = 0;
  int64_t values_ = 0;
  bool suspects_ = false;
};

class Critic {
 public:
  // Starts from the teacher. Throws Error as loading does.
  explicit Critic(DistillNetworks& networks);

  // One update of the weights: the flow loss on samples, which `sample` gives by the index of the
  // micro batch. Throws Error for a loss that is not finite or that diverges.
  struct Example {
    at::Tensor samples;             // (B,z,T,h,w) fp32
    std::vector<at::Tensor> texts;  // B of (tokens, text width)
    StepRandom random;
  };
  void Update(int64_t step, const std::function<Example(int64_t micro)>& sample);

  // Velocities at x (B,z,T,h,w), one timestep and text for each, without gradients.
  at::Tensor Velocity(const at::Tensor& x, const std::vector<double>& timesteps,
                      const std::vector<at::Tensor>& texts);

  // Weights move by `share` of the way to the student's.
  void MoveToward(const TensorMap& student, double share);

  // Its loss suggests a divergence that is not certain yet.
  bool MayDiverge() const { return watch_.Suspects(); }
  double loss() const { return loss_; }  // of the last update
  double gradient_norm() const { return norm_; }
  TensorMap State() const;
  // `updates`: that the state has had.
  void Restore(const TensorMap& state, int64_t updates);

 private:
  at::Tensor Loss(const CaptionedDit& network, const Example& example);

  DistillNetworks& networks_;
  TrainedDit network_;
  AttentionCache attention_;
  OptimizerConfig rate_;
  LocalOptimizer optimizer_;
  DivergenceWatch watch_;
  double loss_ = 0, norm_ = 0;
};

}  // namespace t3
