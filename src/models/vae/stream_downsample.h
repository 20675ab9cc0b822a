// The downsampler of the streaming encoder.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "arch/vae_levels.h"
#include "models/vae/stream_conv.h"

namespace t3 {

// Downsample (models/vae/resample.h) on rows of frames, for inference.
class StreamDownsample {
 public:
  struct State {
    bool started = false;  // frame 0 of a video passes unchanged and is history of the others
    StreamCache time;
  };

  // Takes resample.1 and time_conv of the level's resampler.
  StreamDownsample(const TensorMap& tensors, const VaeLevel& level);

  // Rows `rows` of the halved map; x holds rows [2 begin, 2 end + 1), as far as they exist. A
  // video's first call has one frame, later ones an even number if time is halved.
  MapRows operator()(MapRows x, const RowRange& rows, State& state, const PollFn& poll) const;

 private:
  at::Tensor weight_;  // (C,C,3,3)
  at::Tensor bias_;
  std::optional<StreamConv> time_conv_;
};

}  // namespace t3
