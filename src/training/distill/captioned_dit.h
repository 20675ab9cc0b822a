// A denoiser with the captions of a micro batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/dit/dit.h"

namespace t3 {

class CaptionedDit {
 public:
  // texts: B encoded captions (L, width). Where the caller records gradients, they reach the
  // network's weights through the captions as well. `dit` must live as long.
  CaptionedDit(const Dit& dit, const std::vector<at::Tensor>& texts);

  // x (B,z,T,h,w), a timestep for each, attention of B videos -> velocities (B,z,T,h,w) fp32.
  // Where gradients are recorded, `runners` run the segments, and this object must live until the
  // backward pass is over; else one video alone takes the faster path of inference.
  at::Tensor Velocity(const at::Tensor& x, const std::vector<double>& timesteps,
                      const AttentionLayout& attention, const SegmentRunners& runners = {}) const;

 private:
  const Dit& dit_;
  TextContext batch_;  // without layers where only `one_` is used
  TextContext one_;    // of one caption, for inference; without layers in a larger batch
};

}  // namespace t3
