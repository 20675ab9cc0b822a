// Linear layers with epilogues against fp64, at odd sizes.
#include "ops/linear/linear.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <ostream>

#include "ops/linear/linear_impl.h"
#include "ops/linear/linear_tuning.h"
#include "t3video/error.h"

namespace t3 {
namespace {

const at::Device kLinearDevice(T3_TEST_DEVICE);
constexpr ExecutionMode kLinearMode = ExecutionMode::kInPlace;

struct LinearSizes {
  int64_t tokens, in, out, split;
};

void PrintTo(const LinearSizes& sizes, std::ostream* out) {
  *out << sizes.tokens << "x" << sizes.in << "x" << sizes.out << " split " << sizes.split;
}

class LinearOps : public ::testing::TestWithParam<std::tuple<LinearSizes, at::ScalarType>> {
 protected:
  void SetUp() override {
    const auto [sizes, dtype] = GetParam();
    sizes_ = sizes;
    dtype_ = dtype;
    x_ = Random({sizes.tokens, sizes.in}, 1);
    weight_ = Random({sizes.out, sizes.in}, 2) / std::sqrt(static_cast<double>(sizes.in));
    bias_ = Random({sizes.out}, 3);
    sum_ = Random({sizes.tokens, sizes.out}, 4);
  }
  at::Tensor Random(at::IntArrayRef shape, uint64_t seed) const {
    return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed))
        .to(kLinearDevice, dtype_);
  }
  at::Tensor Product() const {
    return at::linear(x_.to(at::kDouble), weight_.to(at::kDouble), bias_.to(at::kDouble));
  }
  // bf16: one rounding of the result and, where a gate is in the weights, one of each of those.
  void ExpectNear(const at::Tensor& got, const at::Tensor& want) const {
    const double distance =
        ((got.to(at::kDouble) - want).norm() / want.norm()).template item<double>();
    EXPECT_LT(distance, dtype_ == at::kBFloat16 ? 4e-3 : 1e-6);
  }

  LinearSizes sizes_{};
  at::ScalarType dtype_ = at::kFloat;
  at::Tensor x_, weight_, bias_, sum_;
  c10::NoGradGuard no_grad_;
};

TEST_P(LinearOps, IntoStridedRows) {
  const at::Tensor wide = at::full({sizes_.tokens, 3 * sizes_.out}, 7, x_.options());
  LinearInto(wide.narrow(1, sizes_.out, sizes_.out), x_, {weight_, bias_});
  ExpectNear(wide.narrow(1, sizes_.out, sizes_.out), Product());
  EXPECT_TRUE((wide.narrow(1, 0, sizes_.out) == 7).all().item<bool>());
  EXPECT_TRUE((wide.narrow(1, 2 * sizes_.out, sizes_.out) == 7).all().item<bool>());
}

TEST_P(LinearOps, Gelu) {
  const LinearWeights layer{weight_, bias_};
  ExpectNear(LinearGelu(x_, layer, layer, kLinearMode).values, at::gelu(Product(), "tanh"));
}

TEST_P(LinearOps, Sum) {
  at::Tensor x = sum_.clone();
  AddLinear(x, x_, {weight_, bias_}, kLinearMode);
  ExpectNear(x, sum_.to(at::kDouble) + Product());
}

TEST_P(LinearOps, GatedSum) {
  const at::Tensor gates = at::randn({sizes_.split > 0 ? 2 : 1, sizes_.out},
                                     at::make_generator<at::CPUGeneratorImpl>(uint64_t{5}))
                               .to(kLinearDevice);
  const at::Tensor spread = at::cat({gates[0].expand({sizes_.split, -1}),
                                     gates[-1].expand({sizes_.tokens - sizes_.split, -1})})
                                .to(at::kDouble);
  at::Tensor x = sum_.clone();
  AddGatedLinear(x, x_, {weight_, bias_}, {gates, sizes_.split}, kLinearMode);
  ExpectNear(x, sum_.to(at::kDouble) + spread * Product());
}

// Large enough to be tuned: the sum must not be applied while candidates are timed.
TEST_P(LinearOps, TuningLeavesTheSumAlone) {
  if (!kLinearDevice.is_cuda()) GTEST_SKIP() << "nothing is tuned on the CPU";
  const at::Tensor x = Random({75'000, 512}, 6), weight = Random({512, 512}, 7) / 23;
  at::Tensor tuned = Random({75'000, 512}, 8), untuned = tuned.clone();
  const at::Tensor bias = Random({512}, 9);
  AddLinear(tuned, x, {weight, bias}, kLinearMode);
  SetLinearTuning(false);
  AddLinear(untuned, x, {weight, bias}, kLinearMode);
  SetLinearTuning(true);
  ExpectNear(tuned, untuned.to(at::kDouble));
}

std::string LinearName(const LinearSizes& sizes, at::ScalarType dtype) {
  return std::to_string(sizes.tokens) + "x" + std::to_string(sizes.in) + "x" +
         std::to_string(sizes.out) + "_" + c10::toString(dtype);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, LinearOps,
    ::testing::Combine(::testing::Values(LinearSizes{1, 16, 8, 0}, LinearSizes{37, 48, 24, 5},
                                         LinearSizes{259, 1536, 136, 0},
                                         LinearSizes{130, 64, 256, 130},
                                         LinearSizes{65, 30, 20, 3}),  // not whole vectors
                       ::testing::Values(at::kFloat, at::kBFloat16)),
    [](const auto& test) { return LinearName(std::get<0>(test.param), std::get<1>(test.param)); });

TEST(LinearErrors, MisfitsAreNamed) {
  const c10::NoGradGuard no_grad;
  const at::Tensor weight = at::zeros({4, 8}), bias = at::zeros({4});
  at::Tensor sum = at::zeros({3, 5});
  EXPECT_THROW(LinearGelu(at::zeros({3, 7}), {weight, bias}, {weight, bias}, kLinearMode), Error);
  EXPECT_THROW(AddLinear(sum, at::zeros({3, 8}), {weight, bias}, kLinearMode), Error);
  EXPECT_THROW(LinearInto(sum, at::zeros({2, 8}), {weight, bias}), Error);
}

// fp32: sums in another order. bf16: a gradient is rounded once more or less.
TEST(LinearAutograd, HasTheGradientsOfItsReference) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (const int64_t rows : {3, 255, 256, 1027}) {
      const auto options = at::TensorOptions().dtype(dtype).device(kLinearDevice);
      const at::Tensor d = at::randn({rows, 33}, options);
      const auto gradients = [&](bool custom) {
        std::vector<at::Tensor> leaves;
        const std::vector<std::vector<int64_t>> shapes{{rows, 17}, {33, 17}, {33}};
        for (const std::vector<int64_t>& shape : shapes) {
          const auto generator = at::make_generator<at::CPUGeneratorImpl>(leaves.size());
          leaves.push_back(at::randn(shape, generator).to(options).requires_grad_());
        }
        const LinearWeights layer{leaves[1], leaves[2]};
        const at::Tensor y =
            custom ? LinearAutograd(leaves[0], layer) : at::linear(leaves[0], leaves[1], leaves[2]);
        y.backward(d);
        return leaves;
      };
      const auto got = gradients(true), want = gradients(false);
      for (size_t i = 0; i < got.size(); ++i) {
        const double distance = ((got[i].grad() - want[i].grad()).to(at::kDouble).norm() /
                                 want[i].grad().to(at::kDouble).norm())
                                    .item<double>();
        EXPECT_LT(distance, dtype == at::kFloat ? 1e-6 : 8e-3) << rows << " rows, leaf " << i;
      }
    }
  }
}

}  // namespace
}  // namespace t3
