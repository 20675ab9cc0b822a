// What self-attention starts from.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "ops/attention/rope.h"

namespace t3 {

// Projections of the tokens, before norm and rotation.
struct SelfAttentionInput {
  at::Tensor q, k, v;             // (N, C) in token order; rows may be strided (packed q|k|v)
  at::Tensor q_weight, k_weight;  // (C) fp32, of the RMSNorm
  // (N) fp32, the norms' 1 / sqrt(mean(x^2) + eps) where q and k are some heads of longer rows,
  // which have norm_channels; undefined and 0: they have all heads.
  at::Tensor q_inverse = {}, k_inverse = {};
  int64_t norm_channels = 0;
  double eps = 1e-6;
  int64_t heads = 1;
  const RopeTables* rope = nullptr;  // nullptr: no rotation
  bool fp8 = false;                  // multiply e4m3 codes where that is possible (fp8_attention.h)
};

}  // namespace t3
