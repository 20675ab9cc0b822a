// The same inputs give the same bits again: an op that races with itself or reads uninitialised
// memory differs now and then. Sizes are small, so that launches are short and follow each other
// closely.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "ops/attention/attend.h"
#include "ops/attention/text_attention.h"
#include "ops/attention/window_attention.h"
#include "ops/linear/linear.h"
#include "ops/modulate/modulate.h"

namespace t3 {
namespace {

const at::Device kRepeatedDevice(T3_TEST_DEVICE);
constexpr ExecutionMode kRepeatedMode = ExecutionMode::kInPlace;
const int kRepeats = kRepeatedDevice.is_cuda() ? 2000 : 5;

struct RepeatedSizes {
  int64_t tokens, heads, head_dim;
};

void PrintTo(const RepeatedSizes& sizes, std::ostream* out) {
  *out << sizes.tokens << " tokens, " << sizes.heads << " heads of " << sizes.head_dim;
}

class RepeatedOps : public ::testing::TestWithParam<std::tuple<RepeatedSizes, at::ScalarType>> {
 protected:
  void SetUp() override { std::tie(sizes_, dtype_) = GetParam(); }

  at::Tensor Random(at::IntArrayRef shape, at::ScalarType dtype) {
    return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed_++))
        .to(kRepeatedDevice, dtype);
  }
  at::Tensor Random(at::IntArrayRef shape) { return Random(shape, dtype_); }
  int64_t channels() const { return sizes_.heads * sizes_.head_dim; }

  // `op` may write over copies of what it is given, not over its inputs themselves.
  void Repeat(const std::string& what, const std::function<at::Tensor()>& op) const {
    const at::Tensor first = op();
    at::Tensor different = at::zeros({}, first.options().dtype(at::kLong));
    for (int i = 0; i < kRepeats; ++i) different += (op() != first).any();
    EXPECT_EQ(different.item<int64_t>(), 0) << what << ", of " << kRepeats;
    EXPECT_FALSE(first.isnan().any().item<bool>()) << what;
  }

  RepeatedSizes sizes_{};
  at::ScalarType dtype_ = at::kFloat;
  c10::NoGradGuard no_grad_;

 private:
  uint64_t seed_ = 1;
};

TEST_P(RepeatedOps, Linears) {
  const int64_t wide = 3 * channels() / 2;
  const at::Tensor x = Random({sizes_.tokens, channels()}), y = Random({sizes_.tokens, wide});
  const at::Tensor up = Random({wide, channels()}), up_bias = Random({wide});
  const at::Tensor down = Random({channels(), wide}), down_bias = Random({channels()});
  const TokenVectors gate{Random({2, channels()}, at::kFloat), sizes_.tokens / 3};
  Repeat("linear", [&] { return ApplyLinear(x, {up, up_bias}); });
  Repeat("linear with GELU", [&] {
    return LinearGelu(x, {up, up_bias}, {up, up_bias}, kRepeatedMode).values;
  });
  Repeat("sum with linear", [&] {
    at::Tensor sum = x.clone();
    AddLinear(sum, y, {down, down_bias}, kRepeatedMode);
    return sum;
  });
  Repeat("gated sum with linear", [&] {
    at::Tensor sum = x.clone();
    AddGatedLinear(sum, y, {down, down_bias}, gate, kRepeatedMode);
    return sum;
  });
}

TEST_P(RepeatedOps, Norms) {
  const at::Tensor x = Random({sizes_.tokens, channels()});
  const TokenVectors multiplier{Random({2, channels()}, at::kFloat), sizes_.tokens / 3};
  const TokenVectors shift{Random({2, channels()}, at::kFloat), sizes_.tokens / 3};
  Repeat("LayerNorm with modulation", [&] {
    return LayerNormModulate(x, multiplier, shift, {1e-6, dtype_}, kRepeatedMode);
  });
}

TEST_P(RepeatedOps, Attention) {
  const auto heads = [&](int64_t rows) { return Random({1, rows, sizes_.heads, sizes_.head_dim}); };
  const at::Tensor q = heads(sizes_.tokens), k = heads(sizes_.tokens), v = heads(sizes_.tokens);
  Repeat("attention", [&] { return Attend(q, k, v, {}, kRepeatedMode); });
  const at::Tensor text_k = heads(128), text_v = heads(128);
  const at::Tensor bias = at::zeros({1, 128}, text_k.options().dtype(at::kFloat));
  bias.narrow(1, 100, 28).fill_(-INFINITY);
  Repeat("attention with a bias", [&] { return Attend(q, text_k, text_v, bias, kRepeatedMode); });
  const at::Tensor weight = Random({channels()}, at::kFloat);
  Repeat("attention to the text", [&] {
    return TextAttention({.q = q.flatten(2).squeeze(0).clone(),
                          .q_weight = weight,
                          .k = text_k,
                          .v = text_v,
                          .bias = bias},
                         kRepeatedMode);
  });
}

TEST_P(RepeatedOps, WindowAttention) {
  const at::Tensor packed = Random({sizes_.tokens, 3 * channels()});
  const at::Tensor q_weight = Random({channels()}, at::kFloat);
  const at::Tensor k_weight = Random({channels()}, at::kFloat);
  const RopeTables rope = RopeTables::Make(1, 1, sizes_.tokens, sizes_.head_dim, kRepeatedDevice);
  const int64_t half = sizes_.tokens / 2;
  const at::Tensor reversed = at::arange(sizes_.tokens - 1, -1, -1, at::kInt);
  const std::vector<WindowPartition> partitions{
      WindowPartition::Make({}, {{0, 1, half}, {half, 1, sizes_.tokens - half}}, kRepeatedDevice),
      WindowPartition::Make(reversed, {{0, 1, sizes_.tokens}}, kRepeatedDevice)};
  for (const int64_t scratch_bytes : {int64_t{1}, int64_t{1} << 30}) {
    Repeat("window attention", [&] {
      const std::vector<at::Tensor> parts = packed.clone().chunk(3, 1);
      return WindowAttention({.q = parts[0],
                              .k = parts[1],
                              .v = parts[2],
                              .q_weight = q_weight,
                              .k_weight = k_weight,
                              .heads = sizes_.heads,
                              .rope = &rope},
                             partitions, scratch_bytes, kRepeatedMode);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, RepeatedOps,
    ::testing::Combine(::testing::Values(RepeatedSizes{144, 4, 32}, RepeatedSizes{257, 4, 32},
                                         RepeatedSizes{401, 3, 64}, RepeatedSizes{530, 2, 128}),
                       ::testing::Values(at::kFloat, at::kBFloat16)));

}  // namespace
}  // namespace t3
