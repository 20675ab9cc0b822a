// The implementations behind window_attention.h besides the reference.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "ops/attention/window_partition.h"
#include "plan/chunks.h"

namespace t3 {

struct SelfAttentionInput;

// What decides the temporaries of one head.
AttentionSize SizeOfAttention(const SelfAttentionInput& input,
                              const std::vector<WindowPartition>& partitions);

// window_attention_cuda.cc: fused kernels around attention; no gradient. Overwrites the input and
// returns a tensor that may lie in input.q's memory.
bool SupportsWindowAttentionCuda(const SelfAttentionInput& input);
at::Tensor WindowAttentionCuda(const SelfAttentionInput& input,
                               const std::vector<WindowPartition>& partitions,
                               int64_t scratch_bytes);

// window_attention_autograd.cc: x (N, ...), order and inverse (N), integers, permutations of 0..N-1
// with inverse[order[i]] = i. Returns x[order]. index_select does the same, but its gradient adds
// into zeros with atomics, since it cannot know that no row comes twice; this one gathers
// d[inverse].
at::Tensor PermuteRows(const at::Tensor& x, const at::Tensor& order, const at::Tensor& inverse);

}  // namespace t3
