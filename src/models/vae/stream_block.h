// The residual block of the streaming decoder.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "models/vae/stream_conv.h"

namespace t3 {

// ResidualBlock (models/vae/residual_block.h) on rows of frames.
class StreamBlock {
 public:
  struct State {
    StreamConv::State conv1;
    StreamConv::State conv2;
  };

  StreamBlock(const TensorMap& tensors, const std::string& prefix);

  // Rows `made` of the block; x holds made.Grown(2) at least.
  MapRows operator()(MapRows x, const RowRange& made, State& state, const PollFn& poll) const;

 private:
  // The same where both convolutions have kernels that do what follows them, too.
  MapRows ByKernels(const MapRows& x, const RowRange& made, State& state, const PollFn& poll) const;
  // What is added at the end: x, through the 1x1x1 convolution where there is one.
  at::Tensor Shortcut(const at::Tensor& x) const;

  at::Tensor gamma1_;
  StreamConv conv1_;
  at::Tensor gamma2_;
  StreamConv conv2_;
  at::Tensor shortcut_weight_;  // (in,out), or undefined
  at::Tensor shortcut_bias_;
};

// `name`.gamma as NormSilu wants it: (C) fp32, times sqrt(C).
at::Tensor NormGamma(const TensorMap& tensors, const std::string& name);

}  // namespace t3
