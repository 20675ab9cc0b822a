// The residual block of the streaming VAE.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "models/vae/stream_conv.h"

namespace t3 {

// ResidualBlock (models/vae/residual_block.h) on rows of frames.
class StreamBlock {
 public:
  struct State {
    StreamCache conv1;
    StreamCache conv2;
  };

  StreamBlock(const TensorMap& tensors, const std::string& prefix);

  // Output rows `rows` of the block; x holds at least rows.Grown(2).
  MapRows operator()(MapRows x, const RowRange& rows, State& state, const PollFn& poll) const;

 private:
  // The same by custom kernels that fuse both convolutions with what follows them.
  MapRows RunFused(const MapRows& x, const RowRange& rows, State& state, const PollFn& poll) const;
  // What is added at the end: x, through the 1x1x1 convolution if there is one.
  at::Tensor Shortcut(const at::Tensor& x) const;

  NormSiluOptions norm1_;  // before the first convolution
  StreamConv conv1_;
  NormSiluOptions norm2_;  // the bias of the first convolution, and the norm before the second
  StreamConv conv2_;
  at::Tensor shortcut_weight_;  // (in,out), or undefined
  at::Tensor shortcut_bias_;
};

// `name`.gamma as NormSilu expects it: (C) fp32, times sqrt(C).
at::Tensor NormGamma(const TensorMap& tensors, const std::string& name);

}  // namespace t3
