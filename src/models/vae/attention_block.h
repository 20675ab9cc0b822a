// Self-attention inside each frame, one head over all channels.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

#include "models/vae/channel_norm.h"

namespace t3 {

// norm, q|k|v, softmax(q k^T / sqrt(C)) v inside each frame, projection, plus the input.
class AttentionBlock {
 public:
  // Takes `prefix`.norm, `prefix`.to_qkv and `prefix`.proj (1x1 convolutions).
  AttentionBlock(const TensorMap& tensors, const std::string& prefix, const VaeLimits& limits);

  // x (B,C,T,H,W) -> the same.
  at::Tensor operator()(const at::Tensor& x) const;
  // The attention alone: normed (frames,N,C) -> (frames,N,C), projected. `score_bytes` bounds the
  // scores in memory at a time; `poll`, if any, is called between groups of query rows. Of queries
  // [first, first + count) alone (frames,count,C); count < 0: of all.
  at::Tensor AttendTokens(const at::Tensor& normed, int64_t score_bytes,
                          const std::function<void()>& poll, int64_t first = 0,
                          int64_t count = -1) const;

 private:
  ChannelNorm norm_;
  at::Tensor qkv_weight_;  // (3C,C,1,1)
  at::Tensor qkv_bias_;
  at::Tensor proj_weight_;  // (C,C,1,1)
  at::Tensor proj_bias_;
  int64_t score_bytes_ = 0;
};

}  // namespace t3
