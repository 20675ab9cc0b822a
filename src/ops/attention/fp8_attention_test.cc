// Window attention of e4m3 codes against fp64: what rounding changes, and what smoothing keeps; on
// a GPU the kernels against the definition.
#include "ops/attention/fp8_attention.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/cudnn_plans.h"
#include "kernels/device.h"
#include "ops/attention/fp8_attention_counts.h"
#include "ops/attention/rms_rope.h"
#include "ops/attention/testing/self_attention_case.h"
#include "ops/attention/window_attention.h"
#include "ops/dispatch.h"
#include "ops/fp8/quantise.h"

namespace t3 {
namespace {

// Self-attention of T3: two partitions, one of them in another order, with windows of two lengths.
struct Fp8AttentionCase : SelfAttentionCase {
  Fp8AttentionCase(int64_t n, int64_t h, int64_t d) : SelfAttentionCase(n, h, d) {
    const int64_t third = n / 3;
    const at::Tensor reversed = at::arange(n - 1, -1, -1, at::kInt);
    partitions = {WindowPartition::Make({}, {{0, 2, third}, {2 * third, 1, n - 2 * third}},
                                        kAttentionTestDevice),
                  WindowPartition::Make(reversed, {{0, 1, n}}, kAttentionTestDevice)};
  }
  at::Tensor Exact() const {
    return WindowAttention(Input(at::kFloat), partitions, 1 << 30, ExecutionMode::kDifferentiable);
  }
  at::Tensor Channels(int64_t part) const {
    return packed.narrow(1, part * heads * rope.head_dim(), heads * rope.head_dim());
  }
};

// On a GPU every partition has enough work for cuDNN's plans (kMinPlanFlop) at 64 channels too.
int64_t Fp8AttentionTokens() { return kAttentionTestDevice.is_cuda() ? 14'999 : 99; }

double DistanceOfFp8(const at::Tensor& got, const at::Tensor& want) {
  return ((got.to(at::kDouble) - want.to(at::kDouble)).norm() / want.to(at::kDouble).norm())
      .item<double>();
}

// The distance between results as codes have them, without the mean of v. (The random values here
// have the mean 0, so that the mean of kMeanSamples of them is as large as the attention of
// thousands of keys.)
double DistanceOfCodes(const Fp8AttentionCase& one, const at::Tensor& got, const at::Tensor& want) {
  const int64_t samples = std::min(kMeanSamples, one.tokens);
  const at::Tensor index = at::arange(samples, one.packed.options().dtype(at::kLong))
                               .mul(one.tokens)
                               .floor_divide(samples);
  const at::Tensor mean = one.Channels(2).index_select(0, index).mean(0);
  return DistanceOfFp8(got - mean, want - mean);
}

at::Tensor Fp8Definition(const Fp8AttentionCase& one, at::ScalarType dtype) {
  return WindowAttentionFp8Reference(one.Input(dtype), one.partitions, AttentionResult::kNumbers)
      .values;
}

// Codes differ from numbers by 2.6e-2 on average; of v they are averaged over keys as v itself is,
// and the result is rounded once more: 3.7e-2. Logits are off by 2.6e-2 of a key's part in them.
constexpr double kFp8AttentionLimit = 0.06;

TEST(Fp8Attention, IsNearTheExactResult) {
  const c10::NoGradGuard no_grad;
  const Fp8AttentionCase small(300, 3, 32);
  EXPECT_LT(DistanceOfFp8(Fp8Definition(small, at::kFloat), small.Exact()), kFp8AttentionLimit);
}

// A part that all keys share changes no weight, and one that all values share returns unrounded.
TEST(Fp8Attention, SharedPartsOfKeysAndValuesCostNothing) {
  const c10::NoGradGuard no_grad;
  Fp8AttentionCase shared(300, 3, 32);
  shared.Channels(1).add_(10 * RandomForAttention({96}, 4));
  const at::Tensor offset = 100 * RandomForAttention({96}, 5);
  shared.Channels(2).add_(offset);
  const at::Tensor got = Fp8Definition(shared, at::kFloat);
  EXPECT_LT(DistanceOfFp8(got - offset, shared.Exact() - offset), 1.5 * kFp8AttentionLimit);
}

TEST(Fp8Attention, NormBoundsHold) {
  const c10::NoGradGuard no_grad;
  const Fp8AttentionCase bounded(64, 2, 16);
  SelfAttentionInput in = bounded.Input(at::kFloat);
  in.q = at::zeros_like(in.q);
  in.q.diagonal().fill_(1e6);  // all of a row's length in one channel, that with the largest weight
  const at::Tensor q = RmsNormRope(in.q, in.q_weight, in.eps, 2, in.rope, ExecutionMode::kInPlace);
  EXPECT_LE((q.abs().max() / Fp8QueryScale(in)).item<double>(), 448 * 1.0001);
  EXPECT_GE((q.abs().max() / Fp8QueryScale(in)).item<double>(), 300);
}

// On GPUs with cuDNN's plans; elsewhere WindowAttention is the reference, or bf16's.
TEST(Fp8Attention, KernelsGiveTheDefinition) {
  const c10::NoGradGuard no_grad;
  const bool gpu = kAttentionTestDevice.is_cuda();
  const bool by_plan = gpu && !PortableOnly() && kernels::ComputeCapability(0) == 90 &&
                       !kernels::CudnnMachine(0).empty();
  for (const int64_t head_dim : {64, 128}) {
    const Fp8AttentionCase wide(Fp8AttentionTokens(), 4, head_dim);
    const at::ScalarType dtype = gpu ? at::kBFloat16 : at::kFloat;
    const at::Tensor want = Fp8Definition(wide, dtype);
    // All heads at once, and two.
    for (const int64_t scratch : {int64_t{1} << 40, 4 * 2 * wide.tokens * head_dim * 2}) {
      SelfAttentionInput in = wide.Input(dtype);
      in.fp8 = true;
      const auto got = WindowAttentionFp8(in, wide.partitions, scratch, AttentionResult::kNumbers);
      ASSERT_EQ(got.has_value(), by_plan || !gpu);
      if (!got) continue;
      // Weights are rounded, 2.6e-2 on average, and results next to the middle of two codes differ:
      // 3.3e-2 for 5,000 keys, 2.6e-2 for 15,000.
      EXPECT_LT(DistanceOfCodes(wide, got->values, want), gpu ? 0.04 : 1e-6) << head_dim;
      EXPECT_LT(DistanceOfCodes(wide, got->values, wide.Exact()), kFp8AttentionLimit) << head_dim;
    }
  }
}

// Another rounding of the same numbers, by one scale that no result exceeds.
TEST(Fp8Attention, ResultsAsCodes) {
  const c10::NoGradGuard no_grad;
  const Fp8AttentionCase wide(Fp8AttentionTokens(), 4, 64);
  const at::ScalarType dtype = kAttentionTestDevice.is_cuda() ? at::kBFloat16 : at::kFloat;
  const auto attend = [&](AttentionResult result, int64_t scratch) {
    SelfAttentionInput in = wide.Input(dtype);
    in.fp8 = true;
    return WindowAttentionFp8(in, wide.partitions, scratch, result);
  };
  const auto numbers = attend(AttentionResult::kNumbers, int64_t{1} << 40);
  if (!numbers) GTEST_SKIP() << "no plan of cuDNN";
  // All heads at once, and one.
  for (const int64_t scratch : {int64_t{1} << 40, int64_t{1}}) {
    const LinearInput codes = *attend(AttentionResult::kCodes, scratch);
    EXPECT_EQ(codes.values.scalar_type(), at::kFloat8_e4m3fn);
    EXPECT_EQ(codes.scale.sizes(), at::IntArrayRef({wide.tokens}));
    EXPECT_LT(DistanceOfFp8(Dequantise(codes), numbers->values), 0.035);
    EXPECT_LE(numbers->values.abs().max().item<double>(),
              448 * codes.scale[0].item<double>() * 1.004);
  }
}

// One key has nearly all the weight, last and first: codes of weights must not saturate.
TEST(Fp8Attention, WeightsOfOneDoNotSaturate) {
  const c10::NoGradGuard no_grad;
  const Fp8AttentionCase peaked(Fp8AttentionTokens(), 4, 64);
  const at::ScalarType dtype = kAttentionTestDevice.is_cuda() ? at::kBFloat16 : at::kFloat;
  SelfAttentionInput in = peaked.Input(dtype);
  in.fp8 = true;
  in.rope = nullptr;
  in.q_weight = at::full_like(in.q_weight, 8);
  in.k_weight = at::full_like(in.k_weight, 8);
  in.q.copy_(in.k);  // every token attends to itself
  const at::Tensor v = in.v.to(at::kFloat);
  const at::Tensor got = WindowAttention(in, peaked.partitions, 1 << 30, ExecutionMode::kInPlace);
  EXPECT_LT(DistanceOfFp8(got, v), 0.06);
}

// What asks for fp8 is counted, by its tokens. Few tokens are left in bf16 on a GPU, and so is what
// is not computed in place.
TEST(Fp8Attention, IsCountedByTokens) {
  const c10::NoGradGuard no_grad;
  const bool gpu = kAttentionTestDevice.is_cuda();
  ClearFp8AttentionCounts();
  for (const int64_t tokens : {64, 32, 64}) {
    const Fp8AttentionCase one(tokens, 4, 64);
    SelfAttentionInput in = one.Input(gpu ? at::kBFloat16 : at::kFloat);
    WindowAttention(in, one.partitions, 1 << 30, ExecutionMode::kInPlace);  // without fp8
    in.fp8 = true;
    WindowAttention(in, one.partitions, 1 << 30, ExecutionMode::kInPlace);
  }
  const std::vector<Fp8AttentionCount> counts = CountFp8Attention();
  ASSERT_EQ(counts.size(), 2U);
  EXPECT_EQ(counts[0].tokens, 32);
  EXPECT_EQ(counts[1].tokens, 64);
  EXPECT_EQ(counts[0].fp8, gpu ? 0 : 1);
  EXPECT_EQ(counts[1].fp8, gpu ? 0 : 2);
  EXPECT_EQ(counts[1].bf16, gpu ? 2 : 0);
  const Fp8AttentionCase batch(48, 4, 64);
  SelfAttentionInput in = batch.Input(at::kFloat);
  in.fp8 = true;
  WindowAttention(in, batch.partitions, 1 << 30, ExecutionMode::kDifferentiable);
  EXPECT_EQ(CountFp8Attention()[1].tokens, 48);
  EXPECT_EQ(CountFp8Attention()[1].bf16, 1);
  ClearFp8AttentionCounts();
  EXPECT_TRUE(CountFp8Attention().empty());
}

}  // namespace
}  // namespace t3
