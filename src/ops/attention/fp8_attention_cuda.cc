// Window attention of e4m3 codes by kernels/fp8_attention.h and cuDNN: per group of heads one pass
// norms, rotates, encodes and scatters q, k, v into the window order of all partitions, attention
// runs on whole windows, and one pass gathers the mean back into the group's channels of q, or
// writes it as codes.
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>

#include "base/check.h"
#include "kernels/attention.h"
#include "kernels/device.h"
#include "kernels/fp8_attention.h"
#include "ops/attention/attend_cudnn.h"
#include "ops/attention/fp8_attention.h"
#include "ops/attention/rms_rope_impl.h"
#include "ops/attention/window_attention_impl.h"
#include "ops/dispatch.h"
#include "ops/profiler.h"
#include "plan/chunks.h"

namespace t3 {
namespace {

// One partition's codes of a group of heads, each (N, channels of the group), in window order.
struct CodeBuffers {
  at::Tensor q, k, v, out;
};

// Of a partition's windows.
double FlopOf(const WindowPartition& partition, int64_t channels) {
  double flop = 0;
  for (const WindowGroup& group : partition.groups) {
    const auto length = static_cast<double>(group.length);
    flop += 4 * length * length * static_cast<double>(group.count * channels);
  }
  return flop;
}

bool SupportsFp8Attention(const SelfAttentionInput& in,
                          const std::vector<WindowPartition>& partitions) {
  constexpr int64_t kVector = 16;  // codes in 16 bytes
  const int64_t head_dim = in.q.size(1) / in.heads;
  const bool enough = std::ranges::all_of(partitions, [&](const WindowPartition& partition) {
    return FlopOf(partition, in.q.size(1)) >= kMinPlanFlop;
  });
  return enough && !at::globalContext().deterministicCuDNN() && SupportsWindowAttentionCuda(in) &&
         in.q.scalar_type() == at::kBFloat16 && !PortableOnly() &&
         kernels::ComputeCapability(in.q.device().index()) == 90 && head_dim % kVector == 0 &&
         head_dim <= 128;
}

// v's largest distance from its mean in each channel, (C).
at::Tensor MaxDeviation(const at::Tensor& x, const at::Tensor& mean) {
  const at::Tensor deviation = at::zeros_like(mean);
  kernels::LaunchMaxDeviation({.x = x.const_data_ptr(),
                               .x_stride = x.stride(0),
                               .tokens = x.size(0),
                               .channels = x.size(1),
                               .mean = mean.const_data_ptr<float>(),
                               .deviation = deviation.mutable_data_ptr<float>()},
                              CurrentStream(x));
  return deviation;
}

Fp8AttentionScales ScalesOf(const NormedInput& normed) {
  const ProfileScope scope("norm, rotation, scatter");
  const SelfAttentionInput& in = normed.in;
  const auto options = in.q_weight.options();
  Fp8AttentionScales scales{.q = Fp8QueryScale(in),
                            .k = Fp8KeyScale(in),
                            .k_mean = at::empty({in.k.size(1)}, options),
                            .v_mean = at::empty({in.v.size(1)}, options),
                            .v = {}};
  kernels::LaunchKeyValueMean({.k = in.k.const_data_ptr(),
                               .v = in.v.const_data_ptr(),
                               .k_stride = in.k.stride(0),
                               .v_stride = in.v.stride(0),
                               .tokens = in.k.size(0),
                               .channels = in.k.size(1),
                               .head_dim = static_cast<int>(normed.head_dim),
                               .samples = static_cast<int>(std::min(kMeanSamples, in.k.size(0))),
                               .k_inverse = normed.k_inverse.const_data_ptr<float>(),
                               .k_weight = in.k_weight.const_data_ptr<float>(),
                               .rope = RopeArgsOf(in.rope),
                               .k_mean = scales.k_mean.mutable_data_ptr<float>(),
                               .v_mean = scales.v_mean.mutable_data_ptr<float>()},
                              CurrentStream(in.k));
  scales.v = Fp8ValueScale(MaxDeviation(in.v, scales.v_mean));
  return scales;
}

// The numbers that cuDNN reads (kernels/attention.h). v's scales follow its result.
at::Tensor PlanScales(const Fp8AttentionScales& scales) {
  const auto number = [&](double value) { return at::full({}, value, scales.q.options()); };
  const at::Tensor one = number(1), zero = number(0);
  return at::stack({scales.q, scales.k, one, number(1 / kernels::kAttentionWeightScale),
                    number(kernels::kAttentionWeightScale), one, zero, zero});
}

void ScatterCodes(const NormedInput& normed, const Fp8AttentionScales& scales, int64_t head,
                  int64_t group, const std::vector<WindowPartition>& partitions,
                  const std::vector<CodeBuffers>& buffers) {
  const ProfileScope scope("norm, rotation, scatter");
  const int64_t first = head * normed.head_dim;
  const at::Tensor q_encode = scales.q.reciprocal(), k_encode = scales.k.reciprocal();
  const at::Tensor v_encode = scales.v.reciprocal();
  kernels::Fp8ScatterArgs args{.scatter = ScatterArgsOf(normed, head, group),
                               .q_encode = q_encode.const_data_ptr<float>(),
                               .k_encode = k_encode.const_data_ptr<float>(),
                               .k_mean = scales.k_mean.const_data_ptr<float>() + first,
                               .v_mean = scales.v_mean.const_data_ptr<float>() + first,
                               .v_encode = v_encode.const_data_ptr<float>() + first};
  for (size_t i = 0; i < partitions.size(); ++i) {
    args.scatter.target[i] = {.q = buffers[i].q.mutable_data_ptr(),
                              .k = buffers[i].k.mutable_data_ptr(),
                              .v = buffers[i].v.mutable_data_ptr(),
                              .stride = group * normed.head_dim,
                              .rows = RowsOf(partitions[i])};
  }
  args.scatter.targets = static_cast<int>(partitions.size());
  kernels::LaunchFp8Scatter(args, CurrentStream(normed.in.q));
}

bool AttendCodes(const CodeBuffers& buffers, const at::Tensor& scales, int64_t heads,
                 const std::vector<WindowGroup>& groups) {
  const ProfileScope scope("window attention");
  for (const WindowGroup& group : groups) {
    const auto windows = [&](const at::Tensor& x) {
      return x.narrow(0, group.first, group.count * group.length)
          .view({group.count, group.length, heads, -1});
    };
    if (!AttendCodesByCudnnPlan(windows(buffers.q), windows(buffers.k), windows(buffers.v), scales,
                                windows(buffers.out))) {
      return false;
    }
  }
  return true;
}

void GatherCodes(const std::vector<CodeBuffers>& buffers,
                 const std::vector<WindowPartition>& partitions, const Fp8AttentionScales& scales,
                 int64_t first, const at::Tensor& out, const at::Tensor& encode) {
  const ProfileScope scope("mean, gather");
  kernels::Fp8WindowMeanArgs args{
      .mean = {.type = kernels::DType::kBFloat16,
               .tokens = out.size(0),
               .channels = out.size(1),
               .sources = static_cast<int>(buffers.size()),
               .source = {},
               .out = out.mutable_data_ptr(),
               .out_stride = out.stride(0)},
      .decode = scales.v.const_data_ptr<float>() + first,
      .offset = scales.v_mean.const_data_ptr<float>() + first,
      .encode = encode.defined() ? encode.const_data_ptr<float>() : nullptr};
  for (size_t i = 0; i < buffers.size(); ++i) {
    args.mean.source[i] = {.data = buffers[i].out.const_data_ptr(), .rows = RowsOf(partitions[i])};
  }
  kernels::LaunchFp8WindowMean(args, CurrentStream(out));
}

std::vector<CodeBuffers> EmptyCodes(const SelfAttentionInput& in, size_t partitions,
                                    int64_t channels) {
  std::vector<CodeBuffers> buffers;
  for (size_t i = 0; i < partitions; ++i) {
    const auto empty = [&] {
      return at::empty({in.q.size(0), channels}, in.q.options().dtype(at::kFloat8_e4m3fn));
    };
    buffers.push_back({empty(), empty(), empty(), empty()});
  }
  return buffers;
}

}  // namespace

std::optional<LinearInput> WindowAttentionFp8Cuda(const SelfAttentionInput& in,
                                                  const std::vector<WindowPartition>& partitions,
                                                  int64_t scratch_bytes, AttentionResult result) {
  if (!SupportsFp8Attention(in, partitions)) return std::nullopt;
  const c10::DeviceGuard guard(in.q.device());
  const NormedInput normed = NormOf(in);
  const Fp8AttentionScales scales = ScalesOf(normed);
  const at::Tensor plan_scales = PlanScales(scales);
  const bool codes = result == AttentionResult::kCodes;
  const AttentionSize size = SizeOfAttention(in, partitions);
  const int64_t result_bytes = codes ? CodesResultBytes(size, in.heads, normed.head_dim) : 0;
  const int64_t group =
      HeadGroup(in.heads, CodesHeadBytes(size, normed.head_dim), scratch_bytes - result_bytes);
  const int64_t channels = group * normed.head_dim;
  const std::vector<CodeBuffers> buffers = EmptyCodes(in, partitions.size(), channels);
  at::Tensor scale, encode;
  if (codes) scale = Fp8ResultScale(scales), encode = scale.reciprocal();
  const at::Tensor out =
      codes ? at::empty(in.q.sizes(), in.q.options().dtype(at::kFloat8_e4m3fn)) : in.q;
  for (int64_t head = 0; head < in.heads; head += group) {
    ScatterCodes(normed, scales, head, group, partitions, buffers);
    for (size_t i = 0; i < partitions.size(); ++i) {
      if (AttendCodes(buffers[i], plan_scales, group, partitions[i].groups)) continue;
      T3_CHECK(head == 0, "cuDNN's attention of e4m3 codes stopped at head {}; use `dtype` bf16",
               head);
      return std::nullopt;
    }
    const int64_t first = head * normed.head_dim;
    GatherCodes(buffers, partitions, scales, first, out.narrow(1, first, channels), encode);
  }
  if (codes) return LinearInput(out, scale.expand({in.q.size(0)}).contiguous());
  return out;
}

}  // namespace t3
