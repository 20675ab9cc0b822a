// Latents that the ranks of a training make together.
#pragma once

#include <ATen/core/Tensor.h>

#include "parallel/team.h"
#include "training/dit/latent_cache.h"
#include "training/dit/render_latents.h"

namespace t3 {

// The clips of `size`, (clips,z,T,h,w) bf16 on the device, on every rank of `team`; nullptr: this
// process alone. Rank 0's cache has them, or each rank renders its part and rank 0 writes them to
// the cache, which also keeps what an interrupted rendering has. Bit for bit those of one process:
// the ranks take turns at the clips that one process would render together. A rank may come as late
// as it likes while all live. Throws Error of kind kInterrupted after a cancel.
at::Tensor SharedLatents(const WorldLatentSize& size, int64_t seed, const ModelInfo& model,
                         at::ScalarType dtype, const RunContext& context, const LatentCache& cache,
                         Team* team);

}  // namespace t3
