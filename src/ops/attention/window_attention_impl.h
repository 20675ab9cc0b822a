// The implementations behind window_attention.h besides the reference.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "kernels/rms_rope_scatter.h"
#include "ops/attention/self_attention_input.h"
#include "ops/attention/window_partition.h"
#include "ops/execution_mode.h"
#include "plan/chunks.h"

namespace t3 {

// What decides the temporaries of one head.
AttentionSize SizeOfAttention(const SelfAttentionInput& input,
                              const std::vector<WindowPartition>& partitions);

// window_attention.cc: q, k, v (N, heads, d) in token order, normed and rotated, k and v of the
// same dtype -> the same shape.
at::Tensor AttendPartition(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const WindowPartition& partition, ExecutionMode mode);

// What the fused kernels need of an input: all heads' inverse norms.
struct NormedInput {
  const SelfAttentionInput& in;
  at::Tensor q_inverse, k_inverse;  // (N) fp32
  int64_t head_dim;
};
NormedInput NormOf(const SelfAttentionInput& in);
// Heads [head, head + group) of q, k and v; targets are still to be set.
kernels::RmsRopeScatterArgs ScatterArgsOf(const NormedInput& normed, int64_t head, int64_t group);
// Of each token; nullptr in token order.
const int32_t* RowsOf(const WindowPartition& partition);

// window_attention_cuda.cc: fused kernels around attention; no gradient. Overwrites the input and
// returns a tensor that may lie in input.q's memory.
bool SupportsWindowAttentionCuda(const SelfAttentionInput& input);
at::Tensor WindowAttentionCuda(const SelfAttentionInput& input,
                               const std::vector<WindowPartition>& partitions,
                               int64_t scratch_bytes);

// window_attention_cuda.cc: x[order] for x (N, ...), order (N) int32, both contiguous on a GPU.
// index_select takes three times as long for the short rows of small models.
bool SupportsGatherCuda(const at::Tensor& x, const at::Tensor& order);
at::Tensor GatherCuda(const at::Tensor& x, const at::Tensor& order);

// window_attention_autograd.cc: x (N, ...), order and inverse (N), integers, permutations of 0..N-1
// with inverse[order[i]] = i. Returns x[order]. index_select does the same, but its gradient adds
// into zeros with atomics, since it cannot know that no row comes twice; this one gathers
// d[inverse].
at::Tensor PermuteRows(const at::Tensor& x, const at::Tensor& order, const at::Tensor& inverse);

}  // namespace t3
