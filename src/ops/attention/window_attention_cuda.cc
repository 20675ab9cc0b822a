// Window attention with fused kernels: per group of heads one pass norms, rotates and scatters q,
// k, v into the window order of all partitions, attention runs on whole windows, and one pass
// gathers the mean back into the group's channels of q.
#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>

#include "kernels/rms_rope_scatter.h"
#include "kernels/window_mean.h"
#include "ops/attention/attend.h"
#include "ops/attention/rms_rope_impl.h"
#include "ops/attention/window_attention.h"
#include "ops/attention/window_attention_impl.h"
#include "ops/dispatch.h"
#include "ops/profiler.h"
#include "plan/chunks.h"

namespace t3 {
namespace {

// One partition's q, k, v of a group of heads, each (N, channels of the group), in window order.
struct ScatterBuffers {
  at::Tensor q, k, v;
};

void Scatter(const NormedInput& normed, int64_t head, int64_t group,
             const std::vector<WindowPartition>& partitions,
             const std::vector<ScatterBuffers>& buffers) {
  const ProfileScope scope("norm, rotation, scatter");
  kernels::RmsRopeScatterArgs args = ScatterArgsOf(normed, head, group);
  for (size_t i = 0; i < partitions.size(); ++i) {
    args.target[i] = {.q = buffers[i].q.mutable_data_ptr(),
                      .k = buffers[i].k.mutable_data_ptr(),
                      .v = buffers[i].v.mutable_data_ptr(),
                      .stride = group * normed.head_dim,
                      .rows = RowsOf(partitions[i])};
  }
  args.targets = static_cast<int>(partitions.size());
  kernels::LaunchRmsRopeScatter(args, CurrentStream(normed.in.q));
}

// The mean of `sources`, each (N, channels) in an order of its own, to `out` (N, channels).
void MeanOf(const std::vector<kernels::WindowMeanArgs::Source>& sources, const at::Tensor& out) {
  kernels::WindowMeanArgs args{.type = DTypeOf(out),
                               .tokens = out.size(0),
                               .channels = out.size(1),
                               .sources = static_cast<int>(sources.size()),
                               .source = {},
                               .out = out.mutable_data_ptr(),
                               .out_stride = out.stride(0)};
  std::ranges::copy(sources, args.source);
  kernels::LaunchWindowMean(args, CurrentStream(out));
}

// outputs (N, channels of the group) in window order -> their mean in `out`, token order.
void GatherMean(const std::vector<at::Tensor>& outputs,
                const std::vector<WindowPartition>& partitions, const at::Tensor& out) {
  const ProfileScope scope("mean, gather");
  std::vector<kernels::WindowMeanArgs::Source> sources;
  for (size_t i = 0; i < outputs.size(); ++i)
    sources.push_back({.data = outputs[i].const_data_ptr(), .rows = RowsOf(partitions[i])});
  MeanOf(sources, out);
}

// Windows in token order need no buffers: q and k are normed and rotated in place.
at::Tensor AttendInPlace(const SelfAttentionInput& in, const WindowPartition& partition,
                         int64_t scratch_bytes) {
  {
    const ProfileScope scope("norm, rotation, scatter");
    RmsNormRopeInto(in.q, in.q, in.q_weight, in.eps, in.heads, in.rope, in.q_inverse);
    RmsNormRopeInto(in.k, in.k, in.k_weight, in.eps, in.heads, in.rope, in.k_inverse);
  }
  const int64_t head_dim = in.q.size(1) / in.heads;
  const int64_t per_head = InPlaceHeadBytes(SizeOfAttention(in, {partition}));
  const int64_t group = HeadGroup(in.heads, per_head, scratch_bytes);
  const auto heads = [&](const at::Tensor& x, int64_t head) {
    return x.unflatten(1, {in.heads, head_dim}).narrow(1, head, group);
  };
  for (int64_t head = 0; head < in.heads; head += group) {
    const at::Tensor out = AttendWindows(heads(in.q, head), heads(in.k, head), heads(in.v, head),
                                         partition.groups, ExecutionMode::kInPlace);
    if (group == in.heads) return out.flatten(1);
    heads(in.q, head).copy_(out);
  }
  return in.q;
}

at::Tensor AttendScattered(const SelfAttentionInput& in,
                           const std::vector<WindowPartition>& partitions, int64_t scratch_bytes) {
  const NormedInput normed = NormOf(in);
  const int64_t tokens = in.q.size(0);
  const auto count = static_cast<int64_t>(partitions.size());
  const int64_t per_head = ScatteredHeadBytes(SizeOfAttention(in, partitions));
  const int64_t group = HeadGroup(in.heads, per_head, scratch_bytes);
  const int64_t channels = group * normed.head_dim;
  std::vector<ScatterBuffers> buffers;
  for (int64_t i = 0; i < count; ++i) {
    const auto empty = [&] { return at::empty({tokens, channels}, in.q.options()); };
    buffers.push_back({empty(), empty(), empty()});
  }
  for (int64_t head = 0; head < in.heads; head += group) {
    Scatter(normed, head, group, partitions, buffers);
    std::vector<at::Tensor> outputs;
    for (int64_t i = 0; i < count; ++i) {
      const auto heads = [&](const at::Tensor& x) { return x.unflatten(1, {group, -1}); };
      outputs.push_back(AttendWindows(heads(buffers[i].q), heads(buffers[i].k), heads(buffers[i].v),
                                      partitions[i].groups, ExecutionMode::kInPlace)
                            .flatten(1)
                            .contiguous());
    }
    GatherMean(outputs, partitions, in.q.narrow(1, head * normed.head_dim, channels));
  }
  return in.q;
}

}  // namespace

NormedInput NormOf(const SelfAttentionInput& in) {
  const ProfileScope scope("norm, rotation, scatter");
  const auto inverse = [&](const at::Tensor& given, const at::Tensor& x) {
    return given.defined() ? given : InverseRms(x, in.eps);
  };
  return {in, inverse(in.q_inverse, in.q), inverse(in.k_inverse, in.k), in.q.size(1) / in.heads};
}

const int32_t* RowsOf(const WindowPartition& partition) {
  return partition.rows.defined() ? partition.rows.const_data_ptr<int32_t>() : nullptr;
}

kernels::RmsRopeScatterArgs ScatterArgsOf(const NormedInput& normed, int64_t head, int64_t group) {
  const SelfAttentionInput& in = normed.in;
  const int64_t first = head * normed.head_dim;
  const auto from = [&](const at::Tensor& x) {
    return x.narrow(1, first, group * normed.head_dim);
  };
  return {.type = DTypeOf(in.q),
          .tokens = in.q.size(0),
          .heads = static_cast<int>(group),
          .head_dim = static_cast<int>(normed.head_dim),
          .q = from(in.q).const_data_ptr(),
          .k = from(in.k).const_data_ptr(),
          .v = from(in.v).const_data_ptr(),
          .q_stride = in.q.stride(0),
          .k_stride = in.k.stride(0),
          .v_stride = in.v.stride(0),
          .q_inverse = normed.q_inverse.const_data_ptr<float>(),
          .k_inverse = normed.k_inverse.const_data_ptr<float>(),
          .q_weight = in.q_weight.const_data_ptr<float>() + first,
          .k_weight = in.k_weight.const_data_ptr<float>() + first,
          .rope = RopeArgsOf(in.rope),
          .targets = 0,
          .target = {}};
}

bool SupportsWindowAttentionCuda(const SelfAttentionInput& in) {
  const bool weights = in.q_weight.scalar_type() == at::kFloat && in.q_weight.is_contiguous() &&
                       in.k_weight.scalar_type() == at::kFloat && in.k_weight.is_contiguous();
  return weights && SupportsVectorAccess(in.q) && SupportsVectorAccess(in.k) &&
         SupportsVectorAccess(in.v) &&
         in.q.size(1) / in.heads % kernels::VectorElements(DTypeOf(in.q)) == 0;
}

at::Tensor WindowAttentionCuda(const SelfAttentionInput& in,
                               const std::vector<WindowPartition>& partitions,
                               int64_t scratch_bytes) {
  const c10::DeviceGuard guard(in.q.device());
  if (partitions.size() == 1 && !partitions[0].order.defined()) {
    return AttendInPlace(in, partitions[0], scratch_bytes);
  }
  return AttendScattered(in, partitions, scratch_bytes);
}

bool SupportsGatherCuda(const at::Tensor& x, const at::Tensor& order) {
  return x.is_cuda() && !PortableOnly() && x.is_contiguous() &&
         SupportsVectorAccess(x.flatten(1)) && order.is_contiguous() &&
         order.scalar_type() == at::kInt;
}

at::Tensor GatherCuda(const at::Tensor& x, const at::Tensor& order) {
  const at::Tensor out = at::empty_like(x);
  MeanOf({{.data = x.const_data_ptr(), .rows = order.const_data_ptr<int32_t>()}}, out.flatten(1));
  return out;
}

}  // namespace t3
