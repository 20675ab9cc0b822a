// The VAE's residual block.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "models/vae/channel_norm.h"
#include "nn/causal_conv3d.h"

namespace t3 {

// norm, SiLU, conv3, norm, SiLU, conv3, plus the input (through a 1x1x1 convolution where the
// number of channels changes).
class ResidualBlock {
 public:
  struct State {
    CausalCache conv1;
    CausalCache conv2;
  };

  // Takes `prefix`.residual.{0,2,3,6} and, if the map has it, `prefix`.shortcut.
  ResidualBlock(const TensorMap& tensors, const std::string& prefix, const VaeLimits& limits);

  // x (B,in,T,H,W) -> (B,out,T,H,W).
  at::Tensor operator()(const at::Tensor& x, State& state) const;

 private:
  ChannelNorm norm1_;
  CausalConv3d conv1_;
  ChannelNorm norm2_;
  CausalConv3d conv2_;
  std::optional<CausalConv3d> shortcut_;
};

}  // namespace t3
