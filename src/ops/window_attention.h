// Self-attention inside the windows of one or two partitions of the tokens, outputs averaged.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "ops/rope.h"
#include "plan/attention_bytes.h"

namespace t3 {

// Every token in exactly one window, with the indices on the device.
struct WindowPartition {
  // `count` windows of `length` tokens, stored from row `first` of the window order on.
  struct Group {
    int64_t first = 0;
    int64_t count = 0;
    int64_t length = 0;
  };
  at::Tensor order;  // (N) int32, row -> token; undefined where rows are in token order
  at::Tensor rows;   // (N) int32, token -> row, the inverse; undefined likewise
  std::vector<Group> groups;

  // `order` (N) int32 on the CPU, or undefined for token order.
  static WindowPartition Make(const at::Tensor& order, std::vector<Group> groups,
                              at::Device device);
  // The partition of `videos` videos whose tokens lie one after the other: each has these windows,
  // and windows of one length form one group still.
  WindowPartition Repeat(int64_t videos) const;
};

// What attention starts from: projections of the tokens, before norm and rotation.
struct SelfAttentionInput {
  at::Tensor q, k, v;             // (N, C) in token order; rows may be strided (packed QKV)
  at::Tensor q_weight, k_weight;  // (C) fp32, of the RMSNorm
  double eps = 1e-6;
  int64_t heads = 1;
  const RopeTables* rope = nullptr;  // nullptr: no rotation
};

// What decides the temporaries of one head.
AttentionSize SizeOfAttention(const SelfAttentionInput& input,
                              const std::vector<WindowPartition>& partitions);

// Mean over the partitions (one or two) of softmax attention inside every window, after RMSNorm and
// RoPE of q and k; scale 1/sqrt(C / heads). Returns (N, C) in token order. With gradients off the
// q, k and v of `input` are scratch: they may be overwritten, and the result may lie in q's memory.
// Heads are handled in groups so that temporaries stay within `scratch_bytes` (but one head at
// least is in flight).
at::Tensor WindowAttention(const SelfAttentionInput& input,
                           const std::vector<WindowPartition>& partitions, int64_t scratch_bytes);

}  // namespace t3
