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
  // the CPU it is the widest stage and the process itself, and the decoder's stage has the frames
  // on their way to the file, for which its plan leaves room.
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

// The process of a run on the CPU, without a stage's weights and activations and the latents
// between the stages: libraries and the allocator.
inline constexpr int64_t kHostProcess = 400'000'000;
// The process on the host; on the CPU with the stage that is at work.
StageMemory HostStage(const PlannedRun& run, const StageMemory& at_work);

// Maximum number of frames that wait for the video encoder.
inline constexpr int64_t kQueuedFrames = 8;
// Bytes on the host of those frames and of the ones that come next.
int64_t WaitingFrameBytes(const VideoGeometry& video);

}  // namespace t3
