// The VAE's RMS norm over channels.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "models/vae/limits.h"
#include "nn/tensor_map.h"

namespace t3 {

// x / max(|x|, 1e-12) * sqrt(C) * gamma, |x| the L2 norm over the channels of one position.
// 16-bit inputs are computed in fp32 and rounded once.
class ChannelNorm {
 public:
  ChannelNorm() = default;
  // Takes `prefix`.gamma, C elements in any shape.
  ChannelNorm(const TensorMap& tensors, const std::string& prefix, const VaeLimits& limits);

  // x (B,C,T,H,W) -> the same.
  at::Tensor operator()(const at::Tensor& x) const;
  // The same followed by SiLU.
  at::Tensor Silu(const at::Tensor& x) const;

 private:
  at::Tensor Apply(const at::Tensor& x, bool silu) const;

  at::Tensor gamma_;
  int64_t slab_elements_ = 0;
};

}  // namespace t3
