// What a process computes of a step that several share.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// Of a process alone: all. A task that trains weights of its own besides its leaves asks it
// (Task::ShareWith).
class StepShare {
 public:
  virtual ~StepShare() = default;
  // Whether micro batch `micro` of the step is this process's.
  virtual bool Has(int64_t /*micro*/) const { return true; }
  // x becomes the sum over all processes, each of which calls this; the same bits on each.
  virtual void Sum(const at::Tensor& /*x*/) const {}
  virtual double SumOf(double x) const { return x; }
};

}  // namespace t3
