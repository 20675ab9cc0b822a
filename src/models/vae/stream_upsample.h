// The upsampler of the streaming decoder.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "arch/vae_levels.h"
#include "models/vae/stream_conv.h"

namespace t3 {

// Upsample (models/vae/resample.h) and the shortcut around its level, on rows of frames. Nearest x2
// and a 3x3 convolution become one 2x2 convolution on the small grid with four times the channels
// (models/decoder/phase_weight.h).
class StreamUpsample {
 public:
  struct State {
    bool started = false;  // frame 0 of a video is not doubled
    StreamCache time;
  };

  // Takes resample.1 and time_conv of the level's resampler.
  StreamUpsample(const TensorMap& tensors, const VaeLevel& level);

  // x: the output of the level's blocks. `input`: the level's input if it has a shortcut, else
  // undefined. A video's first call has one frame. Returns rows `rows` of the doubled map.
  MapRows operator()(MapRows x, const MapRows& input, const RowRange& rows, State& state,
                     const PollFn& poll) const;

 private:
  // frame (1,R,W,in) -> (1,R+1,W+1,4*out), the input of PlacePhases.
  at::Tensor Phases(const at::Tensor& frame) const;
  at::Tensor DoubleTime(MapRows x, const UpsampleShapes& shapes, State& state,
                        const PollFn& poll) const;

  at::Tensor phase_weight_;  // (4*out,in,2,2), phase 2p+q of row parity p and column parity q
  at::Tensor bias_;          // (out) fp32
  std::optional<StreamConv> time_conv_;
};

}  // namespace t3
