// The two ways in which a network runs.
#pragma once

namespace t3 {

enum class ExecutionMode {
  // Inference: ops overwrite their operands where their headers say so, temporaries stay within a
  // budget, and every custom kernel may be used. No gradients.
  kInPlace,
  // Training, and batches of videos: ops return new tensors and have gradients.
  kDifferentiable,
};

}  // namespace t3
