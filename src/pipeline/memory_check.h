// Refusing what will not fit before anything is loaded.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include "pipeline/job.h"
#include "pipeline/model_info.h"
#include "plan/memory.h"

namespace t3 {

struct MemoryLimits {
  int64_t device = 0;  // bytes; 0: what is free now
  int64_t host = 0;
};

// The memory plan with the stages that the run has, and the budgets for them. Made once per video.
struct RunMemory : MemoryPlan {
  bool on_gpu = false;
  int64_t device_budget = 0;
  int64_t host_budget = 0;
};
RunMemory PlanRunMemory(const ModelInfo& model, const Job& job, at::Device device,
                        at::ScalarType dtype, const MemoryLimits& limits);

// The same where every stage fits. Else throws Error: which one does not, what it needs, what there
// is, and the flags with which the run would fit.
RunMemory CheckMemory(const ModelInfo& model, const Job& job, at::Device device,
                      at::ScalarType dtype, const MemoryLimits& limits);

// Which weights can stay in memory from one request to the next, so that they are not loaded again:
// the denoiser's while the video is decoded, the decoder's while the next is denoised.
struct Residents {
  bool denoiser = false;
  bool decoder = false;
};
Residents ChooseResidents(const RunMemory& memory);

}  // namespace t3
