// What training differentiates in a block's elementwise ops, against autograd in fp64 at odd sizes:
// LayerNorm with modulation, gated residual, RMSNorm with rotation.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <ostream>

#include "ops/attention/rms_rope.h"
#include "ops/modulate/modulate.h"

namespace t3 {
namespace {

const at::Device kGradientDevice(T3_TEST_DEVICE);
constexpr ExecutionMode kGradientMode = ExecutionMode::kDifferentiable;

struct TokenCase {
  int64_t samples, each, channels;
  at::ScalarType dtype;
};

void PrintTo(const TokenCase& test, std::ostream* out) {
  *out << test.samples << "x" << test.each << "x" << test.channels << " "
       << c10::toString(test.dtype);
}

// A leaf in fp64, and the same values as the op gets them.
struct Leaf {
  at::Tensor wide, input;

  Leaf(at::IntArrayRef sizes, uint64_t seed, at::ScalarType dtype, double offset = 0) {
    const at::Tensor start =
        (at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed)) + offset).to(dtype);
    wide = start.to(at::kDouble).requires_grad_();
    input = start.to(kGradientDevice).requires_grad_();
  }
};

class TokenGradients : public ::testing::TestWithParam<TokenCase> {
 protected:
  int64_t tokens() const { return GetParam().samples * GetParam().each; }
  Leaf Tokens(uint64_t seed) const {
    return {{tokens(), GetParam().channels}, seed, GetParam().dtype};
  }
  Leaf Vectors(uint64_t seed, double offset) const {
    return {{GetParam().samples, GetParam().channels}, seed, at::kFloat, offset};
  }
  TokenVectors InputOf(const Leaf& vectors) const {
    return {vectors.input, 0, GetParam().samples > 1 ? GetParam().each : 0};
  }
  at::Tensor Spread(const Leaf& vectors) const {
    return vectors.wide.repeat_interleave(GetParam().each, 0);
  }

  // One rounding of each element; sums over tokens have the rounding errors of their terms.
  static void ExpectNear(const at::Tensor& got, const at::Tensor& want, bool half,
                         const char* what) {
    ASSERT_EQ(got.sizes(), want.sizes());
    const double unit = half ? 1.0 / 256 : 1e-5;
    const at::Tensor error = (got.detach().cpu().to(at::kDouble) - want.detach()).abs();
    const double scale = want.detach().abs().max().item<double>();
    EXPECT_TRUE((error <= unit * (want.detach().abs() + 0.1 * scale)).all().item<bool>())
        << what << ": " << error.max().item<double>() << " of " << scale;
  }

  // `got` and `want` as functions of the leaves: values and gradients along a random direction.
  void Check(const at::Tensor& got, const at::Tensor& want,
             const std::vector<std::pair<const char*, Leaf>>& leaves) const {
    const bool half = GetParam().dtype == at::kBFloat16;
    ExpectNear(got, want, got.scalar_type() == at::kBFloat16, "value");
    const at::Tensor direction =
        at::randn(want.sizes(), at::make_generator<at::CPUGeneratorImpl>(9)).to(got.scalar_type());
    std::vector<at::Tensor> inputs, wide;
    for (const auto& [name, leaf] : leaves) {
      inputs.push_back(leaf.input);
      wide.push_back(leaf.wide);
    }
    const auto gradients = torch::autograd::grad({got}, inputs, {direction.to(kGradientDevice)});
    const auto expected = torch::autograd::grad({want}, wide, {direction.to(at::kDouble)});
    for (size_t i = 0; i < leaves.size(); ++i) {
      EXPECT_EQ(gradients[i].scalar_type(), inputs[i].scalar_type());
      ExpectNear(gradients[i], expected[i], half, leaves[i].first);
    }
  }
};

TEST_P(TokenGradients, LayerNormModulate) {
  for (const at::ScalarType out : {GetParam().dtype, at::kFloat}) {
    const Leaf x = Tokens(1), multiplier = Vectors(2, 1), shift = Vectors(3, 0);
    const at::Tensor centred = x.wide - x.wide.mean(1, true);
    const at::Tensor normed = centred / (centred.square().mean(1, true) + 1e-6).sqrt();
    Check(t3::LayerNormModulate(x.input, InputOf(multiplier), InputOf(shift), {1e-6, out},
                                kGradientMode),
          normed * Spread(multiplier) + Spread(shift),
          {{"x", x}, {"multiplier", multiplier}, {"shift", shift}});
  }
}

TEST_P(TokenGradients, AddGated) {
  const Leaf x = Tokens(1), y = Tokens(2), gate = Vectors(3, 0);
  at::Tensor sum = x.input;
  t3::AddGated(sum, y.input, InputOf(gate), kGradientMode);
  EXPECT_FALSE(sum.is_same(x.input));
  Check(sum, x.wide + Spread(gate) * y.wide, {{"x", x}, {"y", y}, {"gate", gate}});
}

TEST_P(TokenGradients, RmsNormRope) {
  constexpr int64_t kHeads = 2;
  const int64_t head_dim = GetParam().channels / kHeads;
  const RopeTables rope = RopeTables::Make(GetParam().each, 1, 1, head_dim, kGradientDevice);
  for (const RopeTables* turned : {static_cast<const RopeTables*>(nullptr), &rope}) {
    const Leaf x = Tokens(1), weight({GetParam().channels}, 2, at::kFloat, 1);
    at::Tensor want = x.wide / (x.wide.square().mean(1, true) + 1e-6).sqrt() * weight.wide;
    want = want.unflatten(1, {kHeads, head_dim});
    if (turned) {
      const at::Tensor turn =
          rope.ForTokens().cpu().to(at::kComplexDouble).repeat({GetParam().samples, 1});
      want = at::view_as_real(at::view_as_complex(want.unflatten(2, {-1, 2}).contiguous()) *
                              turn.unsqueeze(1))
                 .flatten(2);
    }
    Check(t3::RmsNormRope(x.input, weight.input, 1e-6, kHeads, turned, kGradientMode), want,
          {{"x", x}, {"weight", weight}});
  }
}

std::string TokenCaseName(const TokenCase& test) {
  return std::to_string(test.samples) + "x" + std::to_string(test.each) + "x" +
         std::to_string(test.channels) + "_" + c10::toString(test.dtype);
}

// 2064 channels are more than the kernels' 128 vectors in either type, 20 no whole bf16 vectors.
INSTANTIATE_TEST_SUITE_P(Sizes, TokenGradients, ::testing::ValuesIn([] {
                           std::vector<TokenCase> cases;
                           for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
                             for (const int64_t channels : {16, 20, 48, 192, 400, 1024, 2064}) {
                               cases.push_back({1, 37, channels, dtype});
                               cases.push_back({3, 41, channels, dtype});
                             }
                             cases.push_back({5, 1301, 192, dtype});
                             cases.push_back({2, 1, 64, dtype});
                           }
                           return cases;
                         }()),
                         [](const auto& test) { return TokenCaseName(test.param); });

}  // namespace
}  // namespace t3
