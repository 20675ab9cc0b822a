// Discrete consistency distillation.
#pragma once

#include <vector>

#include "training/distill/objective.h"

namespace t3 {

// From a noised clip the teacher takes one guided Euler step to the next lower of
// config.consistency.levels levels. The student's prediction of the clip before the step learns
// that of a moving average of itself after it; after the last step it learns the result.
class ConsistencyObjective : public DistillObjective {
 public:
  explicit ConsistencyObjective(DistillNetworks& networks);
  MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) override;
  void AfterStep(int64_t step) override;
  TensorMap State() const override { return target_; }
  void Restore(const TensorMap& state, int64_t steps) override;

 private:
  at::Tensor Target(const at::Tensor& next, const std::vector<double>& levels,
                    const DistillBatch& batch);

  DistillNetworks& networks_;
  std::vector<double> levels_;  // falling, the last one 0
  TensorMap target_;            // weights of the average, by the names of the student's leaves
};

}  // namespace t3
