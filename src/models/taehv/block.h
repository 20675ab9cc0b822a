// TAEHV's blocks: residual, and causal over one frame.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>

#include "config/model_config.h"
#include "models/decoder/video_decoder.h"
#include "nn/tensor_map.h"

namespace t3 {

// Where a block writes: a contiguous map, which is asked for once, as late as possible.
using MapTarget = std::function<at::Tensor()>;

class TaehvBlock {
 public:
  virtual ~TaehvBlock() = default;
  // input (1+T,R,W,C), contiguous: the frame before the pass (zeros before a video), then its
  // frames. The target gets (T,R,W,C).
  virtual void operator()(const at::Tensor& input, const MapTarget& target,
                          const PollFn& poll) const = 0;
};

// Takes `prefix`.conv.*.
std::unique_ptr<TaehvBlock> MakeTaehvBlock(TaehvBlocks kind, const TensorMap& tensors,
                                           const std::string& prefix);

}  // namespace t3
