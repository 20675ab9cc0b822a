// Attention of many tokens to a few text rows on the GPU, with the queries' RMSNorm fused: each
// head's keys and values stay in shared memory, q is read once and overwritten in place.
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

// q of each head becomes softmax(norm(q) k^T / sqrt(head_dim) + bias) v, where norm(q) = q *
// q_inverse * q_weight is rounded to bf16. Elements are bf16, sums fp32.
struct TextAttentionArgs {
  void* q;  // (tokens, heads * head_dim), overwritten
  int64_t q_stride;
  int64_t tokens;
  int heads;
  int head_dim;
  const float* q_inverse;  // (tokens), from InverseRms over all channels
  const float* q_weight;   // (heads * head_dim)
  const void* k;           // (keys, heads * head_dim), contiguous; v likewise
  const void* v;
  const float* bias;  // (keys), added to the logits; -infinity masks a row; or nullptr
  int keys;
};

// Heads of 64 or 128 channels; whole tiles of 64 keys, at most three, so that two thread blocks
// share a multiprocessor's memory.
constexpr bool SupportsTextAttention(int64_t head_dim, int64_t keys) {
  return (head_dim == 64 || head_dim == 128) && keys > 0 && keys % 64 == 0 && keys <= 192;
}

void LaunchTextAttention(const TextAttentionArgs& args, Stream stream);

}  // namespace t3::kernels
