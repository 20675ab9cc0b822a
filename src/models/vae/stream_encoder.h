// The encoder that follows a plan, in slabs of rows, each through all frames.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <functional>
#include <vector>

#include "config/model_config.h"
#include "models/vae/level_layers.h"
#include "models/vae/stream_downsample.h"
#include "models/vae/stream_middle.h"
#include "plan/encode_plan.h"

namespace t3 {

// Frames [frame, frame + count) of a video as (3,count,H,W) in [-1,1], any float dtype and device.
// Called in order, and from frame 0 again for every slab of the plan.
using FrameSource = std::function<at::Tensor(int64_t frame, int64_t count)>;
// Of ranks that encode parts of the rows: this rank's rows (T,rows,...) -> the rows of all, in
// order. Empty: this process encodes all rows.
using RowGather = std::function<at::Tensor(const at::Tensor& rows)>;

// Encoder (models/vae/encoder.h) for inference. Not differentiable.
class StreamEncoder {
 public:
  // Takes "encoder.*" and "conv1.*".
  StreamEncoder(const VaeConfig& config, const TensorMap& tensors);

  // -> mu and log variance (2z,T,h,w), not normalised, fp32. Equal for every plan. With `gather`,
  // all ranks call this with plans of their parts and frames in the same order.
  at::Tensor Run(const EncodePlan& plan, const FrameSource& source, const PollFn& poll,
                 const RowGather& gather = {}) const;

 private:
  struct LevelState {
    std::array<StreamBlock::State, kVaeEncoderBlocks> blocks;
    StreamDownsample::State resampler;
  };
  using Level = LevelLayers<StreamBlock, StreamDownsample>;
  // The input convolution and the first level, as many frames at a time as the plan has.
  MapRows RunFirstLevel(const at::Tensor& frames, const EncoderSlab& slab, StreamCache& input,
                        LevelState& state, const PollFn& poll) const;
  MapRows RunLevel(MapRows x, const PlannedEncoderLevel& plan, LevelState& state,
                   const PollFn& poll) const;
  // Fills rows slab.output of `buffered`, the rows of the plan's part (T,rows,w,C).
  void RunSlab(const EncodePlan& plan, const EncoderSlab& slab, const FrameSource& source,
               const at::Tensor& buffered, const PollFn& poll) const;
  // The middle block and the head: whole frames (T,h,w,C) -> moments of the part (T,rows,w,2z).
  at::Tensor Moments(const EncodePlan& plan, const at::Tensor& buffered, const PollFn& poll) const;
  // Rows of packed pixels, as a map on the device.
  MapRows Pixels(const at::Tensor& frames, const EncoderSlab& slab) const;

  int64_t patch_;
  at::TensorOptions options_;
  StreamConv input_;
  std::vector<Level> levels_;
  StreamMiddle middle_;
  at::Tensor head_gamma_;
  StreamConv head_;
  at::Tensor to_moments_weight_;  // conv1: (2z,2z) and (2z)
  at::Tensor to_moments_bias_;
};

}  // namespace t3
