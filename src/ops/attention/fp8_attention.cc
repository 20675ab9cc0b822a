// Window attention of e4m3 codes: scales, the reference, dispatch.
#include "ops/attention/fp8_attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "ops/attention/rms_rope.h"
#include "ops/attention/window_attention_impl.h"
#include "ops/fp8/quantise.h"

namespace t3 {
namespace {

constexpr double kSmallest = 0x1p-100;  // of ranges, so that quotients are finite

// What no pair of `weight`'s channels exceeds after the norm, as a scale.
at::Tensor NormScale(const SelfAttentionInput& in, const at::Tensor& weight) {
  const int64_t channels = in.norm_channels > 0 ? in.norm_channels : weight.size(0);
  const double longest = std::sqrt(static_cast<double>(channels));
  return weight.abs().amax().clamp_min(kSmallest) * (longest / kFp8Max);
}

// x (N, ...) -> the mean of its samples, fp32.
at::Tensor SampledMean(const at::Tensor& x) {
  const int64_t samples = std::min(kMeanSamples, x.size(0));
  const at::Tensor index =
      at::arange(samples, x.options().dtype(at::kLong)).mul(x.size(0)).floor_divide(samples);
  return x.index_select(0, index).to(at::kFloat).mean(0);
}

at::Tensor Rounded(const at::Tensor& numbers) { return ToFp8(numbers).to(at::kFloat); }

}  // namespace

at::Tensor Fp8QueryScale(const SelfAttentionInput& in) { return NormScale(in, in.q_weight); }
at::Tensor Fp8KeyScale(const SelfAttentionInput& in) { return 2 * NormScale(in, in.k_weight); }
at::Tensor Fp8ValueScale(const at::Tensor& deviation) {
  return deviation.clamp_min(kSmallest) / kFp8MaxValue;
}

at::Tensor Fp8ResultScale(const Fp8AttentionScales& scales) {
  return (scales.v * kFp8Max + scales.v_mean.abs()).amax() / kFp8Max;
}

LinearInput WindowAttentionFp8Reference(const SelfAttentionInput& in,
                                        const std::vector<WindowPartition>& partitions,
                                        AttentionResult result) {
  constexpr ExecutionMode kMode = ExecutionMode::kInPlace;
  const auto normed = [&](const at::Tensor& x, const at::Tensor& weight,
                          const at::Tensor& inverse) {
    return RmsNormRope(x.to(at::kFloat), weight, in.eps, in.heads, in.rope, kMode, inverse);
  };
  const at::Tensor q_scale = Fp8QueryScale(in), k_scale = Fp8KeyScale(in);
  const at::Tensor q = Rounded(normed(in.q, in.q_weight, in.q_inverse) / q_scale) * q_scale;
  const at::Tensor keys = normed(in.k, in.k_weight, in.k_inverse);
  const at::Tensor k = Rounded((keys - SampledMean(keys)) / k_scale) * k_scale;
  const at::Tensor v_mean = SampledMean(in.v);
  const at::Tensor centred = in.v.to(at::kFloat) - v_mean;
  const at::Tensor v_scale = Fp8ValueScale(centred.abs().amax(0));
  const at::Tensor v = Rounded(centred / v_scale).unflatten(-1, {in.heads, -1});
  at::Tensor mean;
  for (const WindowPartition& partition : partitions) {
    const at::Tensor out = Rounded(AttendPartition(q, k, v, partition, kMode));
    mean = mean.defined() ? (mean + out) * 0.5 : out;
  }
  const at::Tensor numbers = mean.flatten(1) * v_scale + v_mean;
  if (result == AttentionResult::kNumbers) return numbers.to(in.q.scalar_type());
  const at::Tensor scale = Fp8ResultScale({q_scale, k_scale, {}, v_mean, v_scale});
  return {ToFp8(numbers * scale.reciprocal()), scale.expand({in.q.size(0)}).contiguous()};
}

std::optional<LinearInput> WindowAttentionFp8(const SelfAttentionInput& in,
                                              const std::vector<WindowPartition>& partitions,
                                              int64_t scratch_bytes, AttentionResult result) {
  if (in.q.is_cuda()) return WindowAttentionFp8Cuda(in, partitions, scratch_bytes, result);
  return WindowAttentionFp8Reference(in, partitions, result);
}

}  // namespace t3
