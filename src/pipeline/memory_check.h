// Refusing what will not fit before anything is loaded.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <vector>

#include "pipeline/job.h"
#include "pipeline/model_info.h"
#include "plan/memory.h"

namespace t3 {

struct MemoryLimits {
  int64_t device = 0;  // bytes; 0: what is free now
  int64_t host = 0;
};

// The stages that the run has, and what there is for them. Worked out once a video and handed on.
struct RunMemory {
  bool on_gpu = false;
  std::vector<MemoryStage> device;
  MemoryStage host;
  int64_t device_budget = 0;
  int64_t host_budget = 0;
  // Of MemoryPlan: what Dit's temporaries may take, and where its blocks' weights are.
  int64_t denoiser_scratch = 0;
  bool stream_weights = false;
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
