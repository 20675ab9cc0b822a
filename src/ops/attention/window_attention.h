// Self-attention inside the windows of one or two partitions of the tokens, outputs averaged.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "ops/attention/rope.h"
#include "ops/attention/window_partition.h"
#include "ops/execution_mode.h"

namespace t3 {

// What self-attention starts from: projections of the tokens, before norm and rotation.
struct SelfAttentionInput {
  at::Tensor q, k, v;             // (N, C) in token order; rows may be strided (packed q|k|v)
  at::Tensor q_weight, k_weight;  // (C) fp32, of the RMSNorm
  // (N) fp32, the norms' 1 / sqrt(mean(x^2) + eps) where q and k are some heads of longer rows;
  // undefined: they have all heads.
  at::Tensor q_inverse = {}, k_inverse = {};
  double eps = 1e-6;
  int64_t heads = 1;
  const RopeTables* rope = nullptr;  // nullptr: no rotation
};

// Mean over the partitions (one or two) of softmax attention inside every window, after RMSNorm and
// RoPE of q and k; scale 1/sqrt(C / heads). Returns (N, C) in token order. In place, the q, k and v
// of `input` are scratch: they may be overwritten, and the result may lie in q's memory; heads are
// processed in groups so that temporaries stay within `scratch_bytes` (at least one head is in
// flight). Throws Error if shapes do not match.
at::Tensor WindowAttention(const SelfAttentionInput& input,
                           const std::vector<WindowPartition>& partitions, int64_t scratch_bytes,
                           ExecutionMode mode);

}  // namespace t3
