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
  double eps = 1e-6;
  int64_t heads = 1;
  const RopeTables* rope = nullptr;  // nullptr: no rotation
  bool fp8 = false;                  // multiply e4m3 codes where that is possible (fp8_attention.h)
};

}  // namespace t3
