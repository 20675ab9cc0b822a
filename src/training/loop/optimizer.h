// The optimizer of a training run, and its learning rate.
#pragma once

#include <cstdint>

#include "nn/tensor_map.h"
#include "training/loop/train_config.h"

namespace t3 {

// Learning rate of step `step`, counted from 0, of `steps`.
double LearningRate(const OptimizerConfig& optimizer, const ScheduleConfig& schedule, int64_t step,
                    int64_t steps);

// Updates the weights of a run. With its state, which is what a checkpoint stores, in this process
// (LocalOptimizer) or divided among ranks (RankOptimizer); the checkpoints are the same.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Scales the gradients so that their global norm is at most config.clip; returns the norm before.
  // Throws Error that names a leaf without a gradient.
  virtual double ClipGradients() = 0;
  // One step with the leaves' gradients, which are freed.
  virtual void Step(double lr) = 0;

  // The EMA where it is on, else the weights; detached.
  virtual TensorMap EmaWeights() const = 0;
  // "weight.NAME", "moment1.NAME", "moment2.NAME" (AdamW only) and, with an EMA, "ema.NAME".
  virtual TensorMap State() const = 0;
  // Whether State can still be had.
  virtual bool HasState() const = 0;
  // Copies such a state in, `steps` steps old. Throws Error for a tensor that is missing, unknown
  // or of another shape.
  virtual void Restore(const TensorMap& state, int64_t steps) = 0;
};

}  // namespace t3
