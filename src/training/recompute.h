// Activation checkpoints: a block keeps its inputs alone and runs again in the backward pass.
#pragma once

#include "models/dit/dit.h"

namespace t3 {

// A runner for Dit::ForwardBatch. Gradients are those of a plain run, bit for bit on the CPU.
// `offload`: the block's tokens wait in host memory until the backward pass (pinned on a GPU).
// What the block uses besides its inputs (weights) gets its gradients directly, so the backward
// pass must be started with backward(), which fills .grad, and once.
BlockRunner RecomputeBlocks(bool offload);

}  // namespace t3
