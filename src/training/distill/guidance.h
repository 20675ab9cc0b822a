// Guidance distillation: one evaluation in place of two.
#pragma once

#include "training/distill/objective.h"
#include "training/dit/flow.h"

namespace t3 {

// The student learns the teacher's guided velocity at noised clips.
class GuidanceObjective : public DistillObjective {
 public:
  explicit GuidanceObjective(DistillNetworks& networks);
  MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) override;

 private:
  DistillNetworks& networks_;
  TimestepTable timesteps_;
};

}  // namespace t3
