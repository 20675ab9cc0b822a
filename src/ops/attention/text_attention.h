// Attention of tokens to the rows of a text, from the projected q on.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "ops/execution_mode.h"

namespace t3 {

struct TextAttentionInput {
  at::Tensor q;         // (videos * N, C), one video after the other, before its norm
  at::Tensor q_weight;  // (C) fp32, of the RMSNorm over all channels
  double eps = 1e-6;
  at::Tensor k, v;    // (videos, rows, heads, C / heads), k normed
  at::Tensor bias{};  // (videos, rows) fp32 on the logits, or undefined; see Attend
};

// softmax(RMSNorm(q) k^T / sqrt(C / heads) + bias) v for every head, (videos * N, C). In place, q
// is scratch: it may be overwritten, and the result may lie in its memory. Throws Error if shapes
// do not match.
at::Tensor TextAttention(const TextAttentionInput& in, ExecutionMode mode);

// Whether one video's tokens of x's dtype and device, attending to `rows` rows, have a fused
// kernel, for which any fp32 bias is free.
bool SupportsTextAttentionKernel(const at::Tensor& x, int64_t head_dim, int64_t rows,
                                 ExecutionMode mode);

}  // namespace t3
