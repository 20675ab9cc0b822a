// Softmax of long rows against fp32.
#include "ops/attention/softmax.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

namespace t3 {
namespace {

const at::Device kSoftmaxDevice(T3_TEST_DEVICE);

// Columns: short, the minimum and maximum of registers, of shared memory, and beyond.
class SoftmaxOps : public testing::TestWithParam<int64_t> {
 protected:
  at::Tensor Scores(double scale) const {
    const auto generator = at::make_generator<at::CPUGeneratorImpl>(uint64_t{5});
    return (at::randn({3, GetParam()}, generator) * scale).to(at::kBFloat16);
  }
  // Rounding to bf16 moves a value by at most 2^-8 of itself, by 1.7e-3 in L2 over many
  // (convolution_checker.cc).
  static constexpr double kMax = 1.0 / 256, kUsual = 2e-3;
  static void ExpectRight(const at::Tensor& scores, double tolerance = kUsual) {
    const at::Tensor expected = at::softmax(scores.to(at::kFloat), -1);
    const at::Tensor got = SoftmaxRows(scores.to(kSoftmaxDevice)).cpu().to(at::kFloat);
    ASSERT_EQ(got.sizes(), expected.sizes());
    EXPECT_LT(((got - expected).norm() / expected.norm()).item<double>(), tolerance);
    EXPECT_LT((got.sum(-1) - 1).abs().max().item<double>(), kMax);
  }
  c10::NoGradGuard no_grad_;
};

INSTANTIATE_TEST_SUITE_P(Columns, SoftmaxOps,
                         testing::Values(24, 16384, 32640, 65536, 65544, 130560, 163840, 200000));

TEST_P(SoftmaxOps, EqualsFloat32) {
  ExpectRight(Scores(1));
  ExpectRight(Scores(8));  // few scores matter
  // Many are equal, and round alike.
  ExpectRight(Scores(1) + 1000, kMax);
  ExpectRight(at::zeros({3, GetParam()}, at::kBFloat16), kMax);
}

// One score far above all others, in the first and in the last place; minus infinity is none.
TEST_P(SoftmaxOps, ExtremesStayFinite) {
  for (const int64_t place : {int64_t{0}, GetParam() - 1}) {
    at::Tensor scores = Scores(1);
    scores.select(1, place).fill_(300);
    scores.select(1, GetParam() / 2).fill_(-std::numeric_limits<float>::infinity());
    const at::Tensor got = SoftmaxRows(scores.to(kSoftmaxDevice)).cpu().to(at::kFloat);
    EXPECT_EQ(got.select(1, place).min().item<float>(), 1);
    EXPECT_EQ(got.sum().item<float>(), 3);
  }
}

}  // namespace
}  // namespace t3
