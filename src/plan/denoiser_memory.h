// Memory of the denoiser stage in bytes, counted by the functions that the layers call when they
// allocate (plan/chunks.h).
#pragma once

#include <cstdint>

#include "plan/planned_run.h"

namespace t3 {

struct DenoiserMemory {
  int64_t weights = 0;       // on the device
  int64_t host_weights = 0;  // of blocks if they are streamed from pinned host memory
  int64_t activations = 0;   // everything except weights and context
  int64_t scratch = 0;       // maximum for temporaries, counted in activations
};

// Scratch for a layer's temporaries (x and q|k|v not included) where the budget does not limit it:
// 4 of 12 heads at 4K with 1.3B on a GPU.
int64_t DenoiserScratchBytes(bool on_gpu);

// Fits `budget` bytes, context excluded, where smaller chunks of work allow it, down to the
// temporaries of one head. If even these do not fit a GPU together with the weights, blocks stay in
// host memory and two at a time are on the device.
DenoiserMemory PlanDenoiser(const PlannedRun& run, int64_t budget);

// Blocks that share one allocation of pinned host memory: about 1 GiB, because the allocator rounds
// up to powers of two.
int64_t HostChunkBlocks(int64_t block_bytes);

}  // namespace t3
