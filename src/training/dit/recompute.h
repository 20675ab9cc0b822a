// Activation checkpoints: a part of the network keeps its inputs alone and runs again in the
// backward pass.
#pragma once

#include "models/dit/dit.h"

namespace t3 {

// Runners for Dit::ForwardBatch. Gradients are those of a plain run, bit for bit on the CPU where
// no block is cut into pieces, whose weights' gradients are then sums. `offload`: a block's tokens
// wait in host memory until the backward pass (pinned on a GPU). What a part uses besides its
// inputs (weights) gets its gradients directly, so the backward pass must be started with
// backward(), which fills .grad.
BlockRunners Recompute(bool offload);

}  // namespace t3
