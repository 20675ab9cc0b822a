// Refusing what will not fit before anything is loaded.
#pragma once

#include <c10/core/Device.h>

#include "pipeline/job.h"
#include "pipeline/model_info.h"

namespace t3 {

struct MemoryLimits {
  int64_t device = 0;  // bytes; 0: what is free now
  int64_t host = 0;
};

// Compares the plan of every stage with what `device` and the host have, or with the limits. Throws
// Error that names the stage, what it needs, what there is and what would make it fit.
void CheckMemory(const ModelInfo& model, const Job& job, at::Device device, at::ScalarType dtype,
                 const MemoryLimits& limits);

// Whether the denoiser's weights can stay in memory while the video is decoded, so that the next
// request does not load them again.
bool DenoiserFitsBesideDecoder(const ModelInfo& model, const Job& job, at::Device device,
                               at::ScalarType dtype, const MemoryLimits& limits);

}  // namespace t3
