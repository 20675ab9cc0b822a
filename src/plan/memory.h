// Memory of a run by stage, predicted before anything is loaded. Bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/planned_run.h"
#include "t3video/memory_outlook.h"

namespace t3 {

// Stages run in sequence, each with one network in memory.
struct MemoryPlan {
  std::vector<StageMemory> device;
  // The process on the host. Mapped weight files are not in it: their pages can be given back. On
  // the CPU it is the widest stage and the process itself.
  StageMemory host;
  // For the temporaries of the denoiser's layers, counted in its stage.
  int64_t denoiser_scratch = 0;
  // The denoiser's blocks stay in pinned host memory (counted in `host`) and are copied to the GPU
  // on demand, because the weights and the minimum scratch do not fit together.
  bool stream_weights = false;
  // The stage with the largest total.
  const StageMemory& widest() const;
};

MemoryPlan PlanMemory(const PlannedRun& run);

// Maximum number of frames that wait for the video encoder.
inline constexpr int64_t kQueuedFrames = 8;

}  // namespace t3
