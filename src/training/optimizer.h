// AdamW, or Muon for matrices, over fp32 master weights, with clipping, the learning rate's
// schedule and an average.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nn/tensor_map.h"
#include "training/train_config.h"

namespace t3 {

// The rate of step i (from 0) of `steps`.
double LearningRate(const OptimizerConfig& optimizer, const ScheduleConfig& schedule, int64_t step,
                    int64_t steps);

// Weights, moments and average of a run: what a checkpoint holds. Tensors are fp32 on the device of
// the leaves.
class Optimizer {
 public:
  // `leaves` require gradients and are what the task computes with. `ema`: decay, 0 for none.
  Optimizer(const OptimizerConfig& config, double ema, const TensorMap& leaves);

  // Scales the gradients so that their global norm is at most config.clip; returns the norm before.
  // Throws Error that names a leaf without a gradient.
  double ClipGradients();
  // One step with the gradients that the leaves have, which are freed.
  void Step(double lr);

  // The average where there is one, else the weights; detached.
  TensorMap Averaged() const;
  // "weight.NAME", "moment1.NAME", "moment2.NAME" (of AdamW's) and with an average "ema.NAME".
  TensorMap State() const;
  // Copies such a state in. `steps`: how many were taken. Throws Error for a tensor that is
  // missing, surplus or misshapen.
  void Restore(const TensorMap& state, int64_t steps);

 private:
  using Indices = std::vector<size_t>;
  void StepAdamW(double lr);

  OptimizerConfig config_;
  double ema_decay_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> leaves_, moments1_, moments2_, ema_;  // moments2_: undefined for Muon's
  std::vector<at::Tensor> steps_;                               // of AdamW's leaves
  Indices adamw_;
  std::map<std::pair<int64_t, int64_t>, Indices> muon_;  // by rows and columns
};

}  // namespace t3
