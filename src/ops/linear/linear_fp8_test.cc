// Layers with e4m3 weights: against fp64 products of their codes, and within what rounding to codes
// can change of the products of the numbers.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <ostream>

#include "kernels/device.h"
#include "ops/fp8/quantise.h"
#include "ops/linear/linear.h"
#include "ops/linear/linear_impl.h"
#include "t3video/error.h"

namespace t3 {
namespace {

const at::Device kFp8Device(T3_TEST_DEVICE);

struct Fp8Sizes {
  int64_t tokens, in, out, split;
};

void PrintTo(const Fp8Sizes& sizes, std::ostream* out) {
  *out << sizes.tokens << "x" << sizes.in << "x" << sizes.out << " split " << sizes.split;
}

class LinearFp8 : public ::testing::TestWithParam<Fp8Sizes> {
 protected:
  void SetUp() override {
    sizes_ = GetParam();
    dtype_ = kFp8Device.is_cuda() ? at::kBFloat16 : at::kFloat;
    x_ = Random({sizes_.tokens, sizes_.in}, 1);
    weight_ = Random({sizes_.out, sizes_.in}, 2);
    bias_ = Random({sizes_.out}, 3);
    codes_ = QuantiseRows(weight_);
  }
  at::Tensor Random(at::IntArrayRef shape, uint64_t seed) const {
    return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed)).to(kFp8Device, dtype_);
  }
  LinearWeights Layer() const { return {codes_.values, bias_, codes_.scale}; }
  static at::Tensor Wide(const LinearInput& rows) {
    return rows.values.to(at::kDouble) * rows.scale.to(at::kDouble).unsqueeze(1);
  }
  // Of codes, in fp64.
  at::Tensor Product(const LinearInput& x) const {
    return at::linear(Wide(x), Wide(codes_), bias_.to(at::kDouble));
  }
  at::Tensor Product() const { return Product(QuantiseRows(x_)); }
  // The result is rounded once; a tensor core keeps 13 bits below the largest term of a sum.
  void ExpectNear(const at::Tensor& got, const at::Tensor& want) const {
    const double rounding = dtype_ == at::kBFloat16 ? 0x1p-8 : 0x1p-22;
    const at::Tensor terms = at::linear(Wide(QuantiseRows(x_)).abs(), Wide(codes_).abs());
    const at::Tensor limit =
        want.abs() * rounding + terms * (kFp8Device.is_cuda() ? 0x1p-12 : 0x1p-20) + 1e-6;
    const at::Tensor error = (got.to(at::kDouble) - want).abs();
    EXPECT_TRUE((error <= limit).all().item<bool>()) << (error / limit).max().item<double>();
  }

  Fp8Sizes sizes_{};
  at::ScalarType dtype_ = at::kFloat;
  at::Tensor x_, weight_, bias_;
  LinearInput codes_{at::Tensor()};
  c10::NoGradGuard no_grad_;
};

TEST_P(LinearFp8, IsTheProductOfTheCodes) {
  ExpectNear(ApplyLinear(x_, Layer()), Product());
  ExpectNear(ApplyLinear(QuantiseRows(x_), Layer()), Product());
  const at::Tensor wide = at::full({sizes_.tokens, 3 * sizes_.out}, 7, x_.options());
  LinearInto(wide.narrow(1, sizes_.out, sizes_.out), x_, Layer());
  ExpectNear(wide.narrow(1, sizes_.out, sizes_.out), Product());
  EXPECT_TRUE((wide.narrow(1, 0, sizes_.out) == 7).all().item<bool>());
  EXPECT_TRUE((wide.narrow(1, 2 * sizes_.out, sizes_.out) == 7).all().item<bool>());
}

TEST_P(LinearFp8, EveryImplementationGivesIt) {
  const LinearInput x = QuantiseRows(x_);
  ExpectNear(LinearFp8Reference(x, Layer()), Product());
  if (SupportsLinearFp8Libtorch(x, Layer())) ExpectNear(LinearFp8Libtorch(x, Layer()), Product());
  if (SupportsLinearCuda(x, Layer())) {
    const at::Tensor out = at::full({sizes_.tokens, sizes_.out}, NAN, bias_.options());
    LinearCuda(out, x, Layer(), {});
    ExpectNear(out, Product());
  }
}

// Rounding to codes changes x by dx and the weights by dw, each at most 2^-4 of the number or 2^-10
// of the scale; a product changes by at most |x| |dw| + |dx| |w| + |dx| |dw|.
TEST_P(LinearFp8, DiffersFromTheNumbersByTheirRounding) {
  const auto limit = [](const at::Tensor& numbers, const LinearInput& codes) {
    return (numbers.to(at::kDouble).abs() * 0x1p-4)
        .maximum(codes.scale.to(at::kDouble).unsqueeze(1) * 0x1p-10);
  };
  const at::Tensor x = x_.to(at::kDouble), weight = weight_.to(at::kDouble);
  const at::Tensor dx = limit(x_, QuantiseRows(x_)), dw = limit(weight_, codes_);
  const at::Tensor want = at::linear(x, weight, bias_.to(at::kDouble));
  const at::Tensor bound =
      at::linear(x.abs(), dw) + at::linear(dx, weight.abs()) + at::linear(dx, dw);
  const at::Tensor error = (ApplyLinear(x_, Layer()).to(at::kDouble) - want).abs();
  EXPECT_TRUE((error <= bound * 1.01 + want.abs() * 0x1p-8).all().item<bool>());
  // The errors of a long product are random and partly cancel: two roundings of 2.7e-2 on average.
  EXPECT_LT((error.norm() / want.norm()).item<double>(), sizes_.in >= 48 ? 0.045 : 0.08);
}

TEST_P(LinearFp8, Gelu) {
  const LinearInput values = LinearGelu(x_, Layer(), {weight_, bias_}, ExecutionMode::kInPlace);
  ASSERT_FALSE(values.fp8());
  const at::Tensor want = at::gelu(Product(), "tanh");
  EXPECT_LT(((values.values - want).norm() / want.norm()).item<double>(), 8e-3);
  const LinearInput rows = LinearGelu(x_, Layer(), Layer(), ExecutionMode::kInPlace);
  ASSERT_TRUE(rows.fp8());
  EXPECT_LT(((Dequantise(rows) - want).norm() / want.norm()).item<double>(), 0.035);
}

TEST_P(LinearFp8, Sums) {
  const at::Tensor sum = Random({sizes_.tokens, sizes_.out}, 4);
  const at::Tensor gates = at::randn({sizes_.split > 0 ? 2 : 1, sizes_.out},
                                     at::make_generator<at::CPUGeneratorImpl>(uint64_t{5}))
                               .to(kFp8Device);
  const at::Tensor spread = at::cat({gates[0].expand({sizes_.split, -1}),
                                     gates[-1].expand({sizes_.tokens - sizes_.split, -1})})
                                .to(at::kDouble);
  for (const ExecutionMode mode : {ExecutionMode::kInPlace, ExecutionMode::kDifferentiable}) {
    at::Tensor x = sum.clone();
    AddLinear(x, x_, Layer(), mode);
    const at::Tensor plain = sum.to(at::kDouble) + Product();
    EXPECT_LT(((x - plain).norm() / plain.norm()).item<double>(), 5e-3);
    x = sum.clone();
    AddGatedLinear(x, x_, Layer(), {gates, sizes_.split}, mode);
    const at::Tensor gated = sum.to(at::kDouble) + spread * Product();
    EXPECT_LT(((x - gated).norm() / gated.norm()).item<double>(), 5e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, LinearFp8,
                         ::testing::Values(Fp8Sizes{1, 16, 16, 0}, Fp8Sizes{37, 48, 32, 5},
                                           Fp8Sizes{33, 24, 8, 3}, Fp8Sizes{130, 1536, 144, 130},
                                           Fp8Sizes{257, 320, 1536, 100}));

TEST(LinearFp8, RefusesGradientsAndCodesForOtherLayers) {
  const at::Tensor weight = at::randn({16, 16}), bias = at::zeros({16});
  const LinearInput codes = QuantiseRows(weight);
  EXPECT_THROW(ApplyLinear(at::zeros({3, 16}).requires_grad_(), {codes.values, bias, codes.scale}),
               Error);
  EXPECT_THROW(LinearInto(at::zeros({16, 16}), codes, {weight, bias}), Error);
}

}  // namespace
}  // namespace t3
