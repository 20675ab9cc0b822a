// Doubling and halving space and time between the VAE's levels.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "arch/vae_levels.h"
#include "models/vae/limits.h"
#include "nn/causal_conv3d.h"

namespace t3 {

// State of a resampler between chunks: frame 0 of a video is handled differently.
struct ResampleState {
  bool started = false;
  CausalCache time;
};

// Decoder: time first, then nearest x2 in space and a 3x3 convolution.
// Time: frame 0 passes; every later frame becomes two, the halves of time_conv's channels; zero
// frames, not frame 0, stand before frame 1.
class Upsample {
 public:
  // Takes resample.1 and time_conv of the level's resampler.
  Upsample(const TensorMap& tensors, const VaeLevel& level, const VaeLimits& limits);

  // x (B,in,T,H,W) -> (B,out,T',2H,2W); T' is T, or with a time convolution 2T, 2T-1 at the start.
  at::Tensor operator()(const at::Tensor& x, ResampleState& state) const;

 private:
  // (B,in,T,H,W) -> (B,in,T',H,W).
  at::Tensor DoubleTime(const at::Tensor& x, ResampleState& state) const;
  // (B,in,T,H,W) -> (B,out,T,2H,2W).
  at::Tensor DoubleSpace(const at::Tensor& x) const;

  at::Tensor weight_;  // (out,in,3,3)
  at::Tensor bias_;
  std::optional<CausalConv3d> time_conv_;
  int64_t slab_elements_ = 0;
};

// Encoder: a 3x3 convolution of stride 2, zeros right and below, then time.
// Time: out_0 = x_0, out_j = time_conv(x_(2j-2), x_(2j-1), x_(2j)).
class Downsample {
 public:
  // Takes resample.1 and time_conv of the level's resampler.
  Downsample(const TensorMap& tensors, const VaeLevel& level, const VaeLimits& limits);

  // x (B,C,T,H,W), H and W even -> (B,C,T',H/2,W/2); T' is T, or with a time convolution T/2,
  // (T+1)/2 at the start (T odd there, even afterwards).
  at::Tensor operator()(const at::Tensor& x, ResampleState& state) const;

 private:
  // (B,C,T,H,W) -> (B,C,T,H/2,W/2).
  at::Tensor HalveSpace(const at::Tensor& x) const;
  // (B,C,T,H,W) -> (B,C,T',H,W).
  at::Tensor HalveTime(const at::Tensor& x, ResampleState& state) const;

  at::Tensor weight_;  // (C,C,3,3)
  at::Tensor bias_;
  std::optional<CausalConv3d> time_conv_;
  int64_t slab_elements_ = 0;
};

}  // namespace t3
