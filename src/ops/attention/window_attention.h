// Self-attention inside the windows of one or two partitions of the tokens, outputs averaged.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "ops/attention/self_attention_input.h"
#include "ops/attention/window_partition.h"
#include "ops/execution_mode.h"
#include "ops/linear/linear_input.h"
#include "ops/linear/linear_weights.h"

namespace t3 {

// Mean over the partitions (one or two) of softmax attention inside every window, after RMSNorm and
// RoPE of q and k; scale 1/sqrt(C / heads). Returns (N, C) in token order. In place, the q, k and v
// of `input` are scratch: they may be overwritten, and the result may lie in q's memory; heads are
// processed in groups so that temporaries stay within `scratch_bytes` (at least one head is in
// flight). Throws Error if shapes do not match.
at::Tensor WindowAttention(const SelfAttentionInput& input,
                           const std::vector<WindowPartition>& partitions, int64_t scratch_bytes,
                           ExecutionMode mode);
// The same as `reader`, the layer that follows, takes it: in the input's dtype, or as codes.
LinearInput WindowAttentionFor(const LinearWeights& reader, const SelfAttentionInput& input,
                               const std::vector<WindowPartition>& partitions,
                               int64_t scratch_bytes, ExecutionMode mode);

// WindowAttention from q and k after norm and rotation: q, k, v (N, heads, d) in token order -> (N,
// heads, d). In either mode all heads are in flight.
at::Tensor AttendPartitions(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const std::vector<WindowPartition>& partitions, ExecutionMode mode);

}  // namespace t3
