// How a differentiable forward may trade memory for time: segments that are recomputed.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace t3 {

// A segment of the network: from the tensors that its output depends on, other than weights.
using Segment = std::function<at::Tensor(const std::vector<at::Tensor>& inputs)>;
// Runs a segment; may keep only its inputs and run it again in the backward pass (activation
// checkpointing).
using SegmentRunner =
    std::function<at::Tensor(const Segment& segment, const std::vector<at::Tensor>& inputs)>;

// An empty runner calls the segment directly.
struct SegmentRunners {
  SegmentRunner block;  // for a whole block
  // For what follows the self-attention, on chunks of tokens within the scratch memory: otherwise a
  // 4K video's FFN alone would keep 25 GB in a block's backward pass.
  SegmentRunner chunk;
};

}  // namespace t3
