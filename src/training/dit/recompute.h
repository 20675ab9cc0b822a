// Activation checkpointing: a segment of the network stores only its inputs and runs again in the
// backward pass.
#pragma once

#include "models/dit/dit.h"

namespace t3 {

// Runners for Dit::ForwardBatch. Gradients equal those without recomputation, bit for bit on the
// CPU unless a block runs in chunks, whose weights' gradients are then sums. `offload`: a block's
// tokens wait in host memory until the backward pass (pinned on a GPU). What a segment uses besides
// its inputs (weights) gets its gradients directly, so the backward pass must be started with
// backward(), which fills .grad.
SegmentRunners Recompute(bool offload);

}  // namespace t3
