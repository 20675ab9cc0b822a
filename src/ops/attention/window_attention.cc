// Self-attention inside windows: checks, reference, dispatch.
#include "ops/attention/window_attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "ops/attention/attend.h"
#include "ops/attention/fp8_attention.h"
#include "ops/attention/fp8_attention_counts.h"
#include "ops/attention/rms_rope.h"
#include "ops/attention/window_attention_impl.h"
#include "ops/dispatch.h"
#include "ops/profiler.h"
#include "plan/chunks.h"

namespace t3 {
namespace {

void CheckPartition(const WindowPartition& partition, int64_t tokens) {
  int64_t covered = 0;
  for (const WindowGroup& group : partition.groups) {
    T3_CHECK(group.first == covered && group.count > 0 && group.length > 0,
             "WindowAttention: a group of {} windows of {} tokens starts at row {}, wanted row {}",
             group.count, group.length, group.first, covered);
    covered += group.count * group.length;
  }
  T3_CHECK(covered == tokens, "WindowAttention: windows hold {} tokens, q has {}", covered, tokens);
  T3_CHECK(!partition.order.defined() ||
               (partition.order.numel() == tokens && partition.rows.numel() == tokens),
           "WindowAttention: an order of {} tokens, q has {}", partition.order.numel(), tokens);
}

void CheckInput(const SelfAttentionInput& in, const std::vector<WindowPartition>& partitions) {
  T3_CHECK(in.q.dim() == 2 && in.q.sizes() == in.k.sizes() && in.q.sizes() == in.v.sizes(),
           "WindowAttention: q ({}), k ({}), v ({}) do not match", fmt::join(in.q.sizes(), ", "),
           fmt::join(in.k.sizes(), ", "), fmt::join(in.v.sizes(), ", "));
  T3_CHECK(partitions.size() == 1 || partitions.size() == 2,
           "WindowAttention: {} partitions; wanted 1 or 2", partitions.size());
  for (const WindowPartition& partition : partitions) CheckPartition(partition, in.q.size(0));
}

at::Tensor WindowAttentionReference(const SelfAttentionInput& in,
                                    const std::vector<WindowPartition>& partitions,
                                    int64_t scratch_bytes, ExecutionMode mode) {
  const auto normed = [&](const at::Tensor& x, const at::Tensor& weight,
                          const at::Tensor& inverse) {
    const ProfileScope scope("norm, rotation, scatter");
    return RmsNormRope(x, weight, in.eps, in.heads, in.rope, mode, inverse);
  };
  const at::Tensor q = normed(in.q, in.q_weight, in.q_inverse);
  const at::Tensor k = normed(in.k, in.k_weight, in.k_inverse);
  const at::Tensor v = in.v.unflatten(-1, {in.heads, -1});
  const int64_t per_head = ReferenceHeadBytes(SizeOfAttention(in, partitions));
  const int64_t group = mode == ExecutionMode::kDifferentiable
                            ? in.heads
                            : HeadGroup(in.heads, per_head, scratch_bytes);
  std::vector<at::Tensor> outputs;
  for (int64_t head = 0; head < in.heads; head += group) {
    const auto heads = [&](const at::Tensor& x) { return x.narrow(1, head, group); };
    outputs.push_back(AttendPartitions(heads(q), heads(k), heads(v), partitions, mode));
  }
  return (outputs.size() == 1 ? outputs[0] : at::cat(outputs, 1)).flatten(1);
}

}  // namespace

at::Tensor AttendPartitions(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const std::vector<WindowPartition>& partitions, ExecutionMode mode) {
  const at::Tensor first = AttendPartition(q, k, v, partitions[0], mode);
  if (partitions.size() == 1) return first;
  return (first + AttendPartition(q, k, v, partitions[1], mode)) * 0.5;
}

at::Tensor AttendPartition(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const WindowPartition& partition, ExecutionMode mode) {
  if (!partition.order.defined()) return AttendWindows(q, k, v, partition.groups, mode);
  const auto gather = [&](const at::Tensor& x) {
    const ProfileScope scope("gather");
    return PermuteRows(x, partition.order, partition.rows);
  };
  const at::Tensor out = AttendWindows(gather(q), gather(k), gather(v), partition.groups, mode);
  const ProfileScope scope("gather");
  return PermuteRows(out, partition.rows, partition.order);
}

AttentionSize SizeOfAttention(const SelfAttentionInput& input,
                              const std::vector<WindowPartition>& partitions) {
  AttentionSize size{
      .tokens = input.q.size(0),
      .partitions = std::ssize(partitions),
      .largest_group = 0,
      .row_bytes = input.q.size(1) / input.heads * static_cast<int64_t>(input.q.element_size())};
  for (const WindowPartition& partition : partitions) {
    if (partition.groups.size() == 1) continue;
    for (const WindowGroup& group : partition.groups) {
      size.largest_group = std::max(size.largest_group, group.count * group.length);
    }
  }
  return size;
}

namespace {

LinearInput WindowAttentionAs(AttentionResult result, const SelfAttentionInput& input,
                              const std::vector<WindowPartition>& partitions, int64_t scratch_bytes,
                              ExecutionMode mode) {
  CheckInput(input, partitions);
  if (input.fp8) {
    std::optional<LinearInput> attended;
    if (mode == ExecutionMode::kInPlace && !Fp8ProductsOnly())
      attended = WindowAttentionFp8(input, partitions, scratch_bytes, result);
    AddFp8Attention(input.q.size(0), attended.has_value());
    if (attended) return *attended;
  }
  if (mode == ExecutionMode::kInPlace && SupportsWindowAttentionCuda(input)) {
    return WindowAttentionCuda(input, partitions, scratch_bytes);
  }
  return WindowAttentionReference(input, partitions, scratch_bytes, mode);
}

}  // namespace

at::Tensor WindowAttention(const SelfAttentionInput& input,
                           const std::vector<WindowPartition>& partitions, int64_t scratch_bytes,
                           ExecutionMode mode) {
  return WindowAttentionAs(AttentionResult::kNumbers, input, partitions, scratch_bytes, mode)
      .values;
}

LinearInput WindowAttentionFor(const LinearWeights& reader, const SelfAttentionInput& input,
                               const std::vector<WindowPartition>& partitions,
                               int64_t scratch_bytes, ExecutionMode mode) {
  const AttentionResult result = reader.fp8() ? AttentionResult::kCodes : AttentionResult::kNumbers;
  return WindowAttentionAs(result, input, partitions, scratch_bytes, mode);
}

}  // namespace t3
