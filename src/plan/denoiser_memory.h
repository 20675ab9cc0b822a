// Memory of the denoiser's stage, by the same counts as the code that takes it (plan/chunks.h,
// plan/attention_bytes.h). Bytes.
#pragma once

#include <cstdint>

#include "plan/memory.h"

namespace t3 {

struct DenoiserMemory {
  int64_t weights = 0;       // on the device
  int64_t host_weights = 0;  // of blocks, where they are streamed from pinned host memory
  int64_t activations = 0;   // everything beside weights and context
  int64_t scratch = 0;       // counted in activations at most: what Dit may use for temporaries
};

// Within `budget` bytes beside the context where smaller pieces of work make that possible, but one
// head's temporaries at least. Where even these do not fit a GPU beside the weights, blocks stay in
// host memory and two at a time are on the device.
DenoiserMemory PlanDenoiser(const PlannedRun& run, int64_t budget);

// Weights as Dit keeps them: some in fp32 whatever the run's dtype is (models/dit/weights.h).
int64_t DitWeightBytes(const DitConfig& config, int64_t element_bytes);
int64_t DitBlockBytes(const DitConfig& config, int64_t element_bytes);

// Blocks that share a chunk of pinned host memory: about 1 GiB, for the allocator rounds up to
// powers of two.
int64_t HostChunkBlocks(int64_t block_bytes);

}  // namespace t3
