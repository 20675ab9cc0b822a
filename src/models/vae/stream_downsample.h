// The downsampler of the streaming encoder.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "models/vae/stream_conv.h"

namespace t3 {

// Downsample (models/vae/resample.h) on rows of frames, for inference.
class StreamDownsample {
 public:
  struct State {
    bool started = false;  // frame 0 of a video passes, and is context of the others
    StreamConv::State time;
  };

  // Takes `prefix`.resample.1 and, where the map has it, `prefix`.time_conv.
  StreamDownsample(const TensorMap& tensors, const std::string& prefix);

  // Rows `made` of the halved map; x holds [2 begin, 2 end + 1) of them, as far as there are such
  // rows. A video's first call has one frame, later ones an even number where time is halved.
  MapRows operator()(MapRows x, const RowRange& made, State& state, const PollFn& poll) const;
  int64_t time_factor() const { return time_conv_ ? 2 : 1; }

 private:
  at::Tensor weight_;  // (C,C,3,3)
  at::Tensor bias_;
  std::optional<StreamConv> time_conv_;
};

}  // namespace t3
