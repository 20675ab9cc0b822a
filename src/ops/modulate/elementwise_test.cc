// The elementwise ops against their formulas in fp64 at odd sizes: LayerNorm with modulation, gated
// residual, RMSNorm with rotation.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <ostream>

#include "ops/attention/rms_rope.h"
#include "ops/modulate/modulate.h"
#include "t3video/error.h"

namespace t3 {
namespace {

const at::Device kDevice(T3_TEST_DEVICE);
constexpr ExecutionMode kElementwiseMode = ExecutionMode::kInPlace;

at::Tensor Random(at::IntArrayRef sizes, uint64_t seed) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed)).to(kDevice);
}

// Largest error in units of the rounding of `dtype` at 1, for values near 1.
void ExpectNear(const at::Tensor& got, const at::Tensor& want, at::ScalarType dtype) {
  ASSERT_EQ(got.sizes(), want.sizes());
  EXPECT_EQ(got.scalar_type(), dtype);
  // One rounding of the result (2^-9 of bf16, 2^-24 of fp32 and some for the arithmetic).
  const double unit = dtype == at::kBFloat16 ? 1.0 / 256 : 1e-6;
  const at::Tensor limit = unit * (want.abs() + 1);
  EXPECT_TRUE(((got.to(at::kDouble) - want).abs() <= limit).all().item<bool>())
      << (got.to(at::kDouble) - want).abs().max().item<double>();
}

struct Sizes {
  int64_t tokens, channels, split;
};

void PrintTo(const Sizes& sizes, std::ostream* out) {
  *out << sizes.tokens << "x" << sizes.channels << " split " << sizes.split;
}

class Elementwise : public ::testing::TestWithParam<std::tuple<Sizes, at::ScalarType>> {
 protected:
  void SetUp() override {
    const auto [sizes, dtype] = GetParam();
    sizes_ = sizes;
    dtype_ = dtype;
    x_ = Random({sizes.tokens, sizes.channels}, 1).to(dtype);
    y_ = Random({sizes.tokens, sizes.channels}, 2).to(dtype);
  }
  TokenVectors Vectors(uint64_t seed) const {
    return {Random({sizes_.split > 0 ? 2 : 1, sizes_.channels}, seed), sizes_.split};
  }
  // The vector of every token, (N, C) fp64.
  at::Tensor Spread(const TokenVectors& vectors) const {
    const at::Tensor rows = vectors.rows.to(at::kDouble);
    return at::cat({rows[0].expand({vectors.boundary, -1}),
                    rows[-1].expand({sizes_.tokens - vectors.boundary, -1})});
  }

  Sizes sizes_{};
  at::ScalarType dtype_ = at::kFloat;
  at::Tensor x_, y_;
  c10::NoGradGuard no_grad_;
};

TEST_P(Elementwise, LayerNormModulate) {
  const TokenVectors multiplier = Vectors(3), shift = Vectors(4);
  const at::Tensor wide = x_.to(at::kDouble);
  const at::Tensor centred = wide - wide.mean(1, true);
  const at::Tensor normed = centred / (centred.square().mean(1, true) + 1e-6).sqrt();
  const at::Tensor want = normed * Spread(multiplier) + Spread(shift);
  ExpectNear(LayerNormModulate(x_, multiplier, shift, {1e-6, dtype_}, kElementwiseMode), want,
             dtype_);
  ExpectNear(LayerNormModulate(x_, multiplier, shift, {1e-6, at::kFloat}, kElementwiseMode), want,
             at::kFloat);
}

TEST_P(Elementwise, AddGated) {
  const TokenVectors gate = Vectors(5);
  const at::Tensor want = x_.to(at::kDouble) + Spread(gate) * y_.to(at::kDouble);
  at::Tensor x = x_.clone();
  t3::AddGated(x, y_, gate, kElementwiseMode);
  ExpectNear(x, want, dtype_);
}

TEST_P(Elementwise, StridedRowsAreTaken) {
  const TokenVectors gate = Vectors(6);
  const at::Tensor wide = at::cat({y_, y_, y_}, 1);  // as q of packed q|k|v
  const at::Tensor middle = wide.narrow(1, sizes_.channels, sizes_.channels);
  at::Tensor x = x_.clone(), same = x_.clone();
  t3::AddGated(x, middle, gate, kElementwiseMode);
  t3::AddGated(same, y_, gate, kElementwiseMode);
  EXPECT_TRUE(at::equal(x, same));
}

TEST_P(Elementwise, RmsNormRope) {
  constexpr int64_t kHeads = 2;
  const int64_t head_dim = sizes_.channels / kHeads;
  const at::Tensor weight = 1 + 0.2 * Random({sizes_.channels}, 7);
  const at::Tensor wide = x_.to(at::kDouble);
  const at::Tensor normed =
      (wide / (wide.square().mean(1, true) + 1e-6).sqrt() * weight.to(at::kDouble))
          .unflatten(1, {kHeads, head_dim});
  ExpectNear(t3::RmsNormRope(x_, weight, 1e-6, kHeads, nullptr, kElementwiseMode), normed, dtype_);

  const RopeTables rope = RopeTables::Make(1, 1, sizes_.tokens, head_dim, kDevice);
  const at::Tensor turn = rope.ForTokens().to(at::kComplexDouble).unsqueeze(1);
  const at::Tensor want =
      at::view_as_real(at::view_as_complex(normed.unflatten(2, {-1, 2}).contiguous()) * turn)
          .flatten(2);
  ExpectNear(t3::RmsNormRope(x_, weight, 1e-6, kHeads, &rope, kElementwiseMode), want, dtype_);
}

TEST_P(Elementwise, InverseRmsOfParts) {
  const int64_t width = sizes_.channels / 2;
  // As a rank sends them: q of each part among other columns.
  const at::Tensor rows = at::zeros({2, sizes_.tokens, 3 * width + 8}, x_.options());
  const at::Tensor parts = rows.narrow(2, 0, width);
  parts.copy_(x_.unflatten(1, {2, width}).transpose(0, 1));
  const at::Tensor want = (x_.to(at::kDouble).square().mean(1) + 1e-6).rsqrt();
  ExpectNear(InverseRmsOfParts(parts, 1e-6), want, at::kFloat);
}

std::string ElementwiseName(const Sizes& sizes, at::ScalarType dtype) {
  return std::to_string(sizes.tokens) + "x" + std::to_string(sizes.channels) + "_" +
         c10::toString(dtype);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, Elementwise,
    ::testing::Combine(::testing::Values(Sizes{1, 16, 0}, Sizes{7, 48, 3}, Sizes{37, 1536, 0},
                                         Sizes{130, 240, 129}, Sizes{5, 3072, 5}),
                       ::testing::Values(at::kFloat, at::kBFloat16)),
    [](const auto& test) {
      return ElementwiseName(std::get<0>(test.param), std::get<1>(test.param));
    });

TEST(ElementwiseErrors, MisfitsAreNamed) {
  const c10::NoGradGuard no_grad;
  at::Tensor x = Random({4, 16}, 1);
  const TokenVectors narrow{Random({1, 8}, 2), 0}, split{Random({1, 16}, 2), 2};
  EXPECT_THROW(AddGated(x, x.clone(), narrow, kElementwiseMode), Error);
  EXPECT_THROW(AddGated(x, x.clone(), split, kElementwiseMode), Error);
  EXPECT_THROW(RmsNormRope(x, Random({15}, 3), 1e-6, 2, nullptr, kElementwiseMode), Error);
}

}  // namespace
}  // namespace t3
