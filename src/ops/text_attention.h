// Attention of tokens to the rows of a text, from the projected q on.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

struct TextAttentionInput {
  at::Tensor q;         // (videos * N, C), one video after the other, before its norm
  at::Tensor q_weight;  // (C) fp32, of the RMSNorm over all channels
  double eps = 1e-6;
  at::Tensor k, v;    // (videos, rows, heads, C / heads), k normed
  at::Tensor bias{};  // (videos, rows) fp32 on the logits, or undefined; see Attend
};

// softmax(RMSNorm(q) k^T / sqrt(C / heads) + bias) v for every head, (videos * N, C). With
// gradients off q is scratch: it may be overwritten, and the result may lie in its memory.
at::Tensor TextAttention(const TextAttentionInput& in);

// Whether one video's tokens that look like `x` and attend to so many rows have a kernel of their
// own, to which any fp32 bias costs nothing.
bool TextAttentionHasKernel(const at::Tensor& x, int64_t head_dim, int64_t rows);

}  // namespace t3
