// The upsampler of the streaming decoder.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "models/vae/stream_conv.h"

namespace t3 {

// Upsample (models/vae/resample.h) and the shortcut around its level, on rows of frames. Nearest x2
// and a 3x3 convolution are one 2x2 convolution on the small grid with four times the channels, a
// phase each: the rows and columns that nearest repeats have their weights summed, so 4 products
// take the place of 9. Equal up to the rounding of those sums, which are made in fp32.
class StreamUpsample {
 public:
  struct State {
    bool started = false;  // frame 0 of a video is not doubled
    StreamConv::State time;
  };

  // Takes `prefix`.resample.1 and, where the map has it, `prefix`.time_conv.
  StreamUpsample(const TensorMap& tensors, const std::string& prefix);

  // x: what the level made. `input`: what came into the level, where the shortcut wants it, else
  // undefined. A video's first call has one frame. Returns rows `made` of the doubled map.
  MapRows operator()(MapRows x, const MapRows& input, const RowRange& made, State& state,
                     const PollFn& poll) const;

 private:
  // frame (1,R,W,in) -> (1,R+1,W+1,4*out), what PlacePhases takes.
  at::Tensor Phases(const at::Tensor& frame) const;
  at::Tensor DoubleTime(MapRows x, State& state, const PollFn& poll) const;

  at::Tensor phase_weight_;  // (4*out,in,2,2), phase 2p+q of row parity p and column parity q
  at::Tensor bias_;          // (out) fp32
  std::optional<StreamConv> time_conv_;
};

// weight (out,in,3,3) -> (4*out,in,2,2).
at::Tensor PhaseWeight(const at::Tensor& weight);

}  // namespace t3
