// What a student learns, as a loss of one micro batch and what belongs to it.
#pragma once

#include "training/distill/networks.h"
#include "training/loop/task.h"

namespace t3 {

// As the functions of Task. Objectives refer to the networks, which must outlive them.
class DistillObjective {
 public:
  virtual ~DistillObjective() = default;
  virtual MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) = 0;
  virtual void BeforeStep(int64_t /*step*/) {}
  virtual void AfterStep(int64_t /*step*/) {}
  virtual StepValues Values() const { return {}; }
  virtual bool MayDiverge() const { return false; }
  virtual TensorMap State() const { return {}; }
  virtual void Restore(const TensorMap& /*state*/, int64_t /*steps*/) {}
};

}  // namespace t3
