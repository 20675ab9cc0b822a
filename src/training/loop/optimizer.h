// AdamW, or Muon for hidden matrices, over fp32 master weights: clipping, the learning rate
// schedule and the EMA.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nn/tensor_map.h"
#include "training/loop/train_config.h"

namespace t3 {

// Learning rate of step `step`, counted from 0, of `steps`.
double LearningRate(const OptimizerConfig& optimizer, const ScheduleConfig& schedule, int64_t step,
                    int64_t steps);

// Weights, moments and EMA of a run, which is what a checkpoint stores. Tensors are fp32 on the
// device of the leaves.
class Optimizer {
 public:
  // `leaves` require gradients; the task computes with them. `ema`: its decay, 0 for none.
  Optimizer(const OptimizerConfig& config, double ema, const TensorMap& leaves);

  // Scales the gradients so that their global norm is at most config.clip; returns the norm before.
  // Throws Error that names a leaf without a gradient.
  double ClipGradients();
  // One step with the leaves' gradients, which are freed.
  void Step(double lr);

  // The EMA where it is on, else the weights; detached, not copied.
  TensorMap EmaWeights() const;
  // "weight.NAME", "moment1.NAME", "moment2.NAME" (AdamW only) and, with an EMA, "ema.NAME".
  TensorMap State() const;
  // Copies such a state in, `steps` steps old. Throws Error for a tensor that is missing, unknown
  // or of another shape.
  void Restore(const TensorMap& state, int64_t steps);

 private:
  using Indices = std::vector<size_t>;
  void StepAdamW(double lr);

  OptimizerConfig config_;
  double ema_decay_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> leaves_, moments1_, moments2_, ema_;  // moments2_: undefined under Muon
  std::vector<at::Tensor> steps_;                               // of the leaves under AdamW
  Indices adamw_;
  std::map<std::pair<int64_t, int64_t>, Indices> muon_;  // by rows and columns
};

}  // namespace t3
