// Self-attention inside windows: the definition, and the choice of its implementation.
#include "ops/window_attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "ops/attend_groups.h"
#include "ops/dispatch.h"
#include "ops/part_timer.h"
#include "ops/permute_rows.h"
#include "ops/rms_rope.h"
#include "ops/window_attention_kernel.h"
#include "plan/chunks.h"

namespace t3 {
namespace {

void CheckPartition(const WindowPartition& partition, int64_t tokens) {
  int64_t covered = 0;
  for (const WindowPartition::Group& group : partition.groups) {
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
           "WindowAttention: q ({}), k ({}), v ({}) do not fit", fmt::join(in.q.sizes(), ", "),
           fmt::join(in.k.sizes(), ", "), fmt::join(in.v.sizes(), ", "));
  T3_CHECK(partitions.size() == 1 || partitions.size() == 2,
           "WindowAttention: {} partitions; wanted 1 or 2", partitions.size());
  for (const WindowPartition& partition : partitions) CheckPartition(partition, in.q.size(0));
}

// q, k, v (N, heads, d) in token order, normed and rotated -> the same shape.
at::Tensor AttendPartition(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const WindowPartition& partition) {
  if (!partition.order.defined()) return AttendGroups(q, k, v, partition.groups);
  const auto gather = [&](const at::Tensor& x) {
    const Part part("gather");
    return PermuteRows(x, partition.order, partition.rows);
  };
  const at::Tensor out = AttendGroups(gather(q), gather(k), gather(v), partition.groups);
  const Part part("gather");
  return PermuteRows(out, partition.rows, partition.order);
}

at::Tensor AttendPartitions(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const std::vector<WindowPartition>& partitions) {
  const at::Tensor first = AttendPartition(q, k, v, partitions[0]);
  if (partitions.size() == 1) return first;
  return (first + AttendPartition(q, k, v, partitions[1])) * 0.5;
}

// The definition; differentiable.
at::Tensor WindowAttentionPlain(const SelfAttentionInput& in,
                                const std::vector<WindowPartition>& partitions,
                                int64_t scratch_bytes) {
  const auto normed = [&](const at::Tensor& x, const at::Tensor& weight) {
    const Part part("norm, rotation, scatter");
    return RmsNormRope(x, weight, in.eps, in.heads, in.rope);
  };
  const at::Tensor q = normed(in.q, in.q_weight);
  const at::Tensor k = normed(in.k, in.k_weight);
  const at::Tensor v = in.v.unflatten(-1, {in.heads, -1});
  const int64_t per_head = ReferenceHeadBytes(SizeOfAttention(in, partitions));
  const int64_t group = GradientsOn() ? in.heads : HeadGroup(in.heads, per_head, scratch_bytes);
  std::vector<at::Tensor> outputs;
  for (int64_t head = 0; head < in.heads; head += group) {
    const auto part = [&](const at::Tensor& x) { return x.narrow(1, head, group); };
    outputs.push_back(AttendPartitions(part(q), part(k), part(v), partitions));
  }
  return (outputs.size() == 1 ? outputs[0] : at::cat(outputs, 1)).flatten(1);
}

}  // namespace

WindowPartition WindowPartition::Make(const at::Tensor& order, std::vector<Group> groups,
                                      at::Device device) {
  if (!order.defined()) return {{}, {}, std::move(groups)};
  at::Tensor rows = at::empty_like(order);
  rows.scatter_(0, order.to(at::kLong), at::arange(order.numel(), order.options()));
  return {order.to(device), rows.to(device), std::move(groups)};
}

WindowPartition WindowPartition::Repeat(int64_t videos) const {
  std::vector<Group> repeated;
  int64_t tokens = 0;
  for (const Group& group : groups) {
    repeated.push_back({group.first * videos, group.count * videos, group.length});
    tokens += group.count * group.length;
  }
  T3_CHECK(videos > 0 && videos * tokens <= std::numeric_limits<int32_t>::max(),
           "WindowPartition: {} videos of {} tokens; 32-bit indices reach 2^31", videos, tokens);
  const at::Device device = order.defined() ? order.device() : at::Device(at::kCPU);
  if (!order.defined() && groups.size() == 1) return Make({}, std::move(repeated), device);
  const auto integers = at::TensorOptions().dtype(at::kInt);
  const at::Tensor one = order.defined() ? order.cpu() : at::arange(tokens, integers);
  const at::Tensor all =  // (videos, tokens)
      one + (at::arange(videos, integers) * tokens).unsqueeze(1).to(at::kInt);
  std::vector<at::Tensor> by_group;
  for (const Group& group : groups) {
    by_group.push_back(all.narrow(1, group.first, group.count * group.length).flatten());
  }
  return Make(at::cat(by_group), std::move(repeated), device);
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
    for (const WindowPartition::Group& group : partition.groups) {
      size.largest_group = std::max(size.largest_group, group.count * group.length);
    }
  }
  return size;
}

at::Tensor WindowAttention(const SelfAttentionInput& input,
                           const std::vector<WindowPartition>& partitions, int64_t scratch_bytes) {
  CheckInput(input, partitions);
  if (WindowKernelTakes(input)) return WindowAttentionKernel(input, partitions, scratch_bytes);
  return WindowAttentionPlain(input, partitions, scratch_bytes);
}

}  // namespace t3
