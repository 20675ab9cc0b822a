// Norm + SiLU for training: values and gradients against autograd in fp64 at odd sizes.
#include "ops/feature_map/norm_silu.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "t3video/error.h"

namespace t3 {
namespace {

const at::Device kNormDevice(T3_TEST_DEVICE);

at::Tensor NormInput(at::IntArrayRef sizes, uint64_t seed) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed));
}

// One rounding of each element; sums over positions have the rounding errors of their terms.
void ExpectNormNear(const at::Tensor& got, const at::Tensor& want, double unit, const char* what) {
  ASSERT_EQ(got.sizes(), want.sizes());
  const at::Tensor error = (got.cpu().to(at::kDouble) - want).abs();
  const double scale = want.abs().max().item<double>();
  EXPECT_TRUE((error <= unit * (want.abs() + 0.1 * scale)).all().item<bool>())
      << what << ": " << error.max().item<double>() << " of " << scale;
}

struct NormCase {
  std::vector<int64_t> sizes;
  at::ScalarType dtype;
  bool silu;
};

void CheckNormGradients(const NormCase& test) {
  const at::Tensor start = NormInput(test.sizes, 1).to(test.dtype);
  const at::Tensor weight = NormInput({test.sizes.back()}, 2) + 1;
  const at::Tensor dy = NormInput(test.sizes, 3).to(test.dtype);
  const at::Tensor x = start.to(at::kDouble).requires_grad_();
  const at::Tensor gamma = weight.to(at::kDouble).requires_grad_();
  at::Tensor want = x / x.square().sum(-1, true).sqrt() * gamma;
  if (test.silu) want = want * at::sigmoid(want);
  const auto want_gradients = torch::autograd::grad({want}, {x, gamma}, {dy.to(at::kDouble)});
  const at::Tensor own_x = start.to(kNormDevice).requires_grad_();
  const at::Tensor own_gamma = weight.to(kNormDevice).requires_grad_();
  const at::Tensor got = NormSiluWithGradient(own_x, own_gamma, test.silu);
  const auto gradients = torch::autograd::grad({got}, {own_x, own_gamma}, {dy.to(kNormDevice)});
  const bool half = test.dtype == at::kBFloat16;
  ExpectNormNear(got.detach(), want.detach(), half ? 1.0 / 256 : 4e-6, "y");
  ExpectNormNear(gradients[0], want_gradients[0], half ? 1.0 / 256 : 1e-5, "dx");
  // fp32 sums of exact bf16 inputs: the reference does not round dn to bf16 either.
  ExpectNormNear(gradients[1], want_gradients[1], half ? 1.0 / 256 : 1e-4, "dgamma");
}

TEST(NormSiluWithGradient, EqualsAutogradInDoublePrecision) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const int64_t channels : {8, 16, 32, 64, 96, 192, 384, 5}) {
      for (const bool silu : {true, false}) {
        CheckNormGradients({{2, 3, 5, 7, channels}, dtype, silu});
      }
    }
    CheckNormGradients({{1, 70'001, 16}, dtype, true});
  }
}

TEST(NormSiluWithGradient, TakesMapsOfAnyLayout) {
  const at::Tensor start = NormInput({2, 16, 5, 3}, 4).to(kNormDevice);
  const at::Tensor gamma = at::ones({16}, start.options()).requires_grad_();
  const at::Tensor x = start.clone().requires_grad_();
  const at::Tensor y = NormSiluWithGradient(x.permute({0, 2, 3, 1}), gamma, true);
  const at::Tensor dx = torch::autograd::grad({y.sum()}, {x})[0];
  const at::Tensor same = start.permute({0, 2, 3, 1}).contiguous().requires_grad_();
  const at::Tensor other =
      torch::autograd::grad({NormSiluWithGradient(same, gamma, true).sum()}, {same})[0];
  EXPECT_TRUE(at::allclose(dx.permute({0, 2, 3, 1}), other, 1e-6, 1e-7));
}

TEST(NormSiluWithGradient, ZerosGiveNoNaN) {
  const at::Tensor x = at::zeros({4, 16}, kNormDevice).requires_grad_();
  const at::Tensor gamma = at::ones({16}, x.options().requires_grad(false)).requires_grad_();
  const at::Tensor y = NormSiluWithGradient(x, gamma, true);
  EXPECT_EQ(y.abs().max().item<float>(), 0);
  const auto gradients = torch::autograd::grad({y.sum()}, {x, gamma});
  EXPECT_TRUE(at::isfinite(gradients[0]).all().item<bool>());
  EXPECT_EQ(gradients[1].abs().max().item<float>(), 0);
}

TEST(NormSiluWithGradient, WrongChannelsAreRefused) {
  EXPECT_THROW(NormSiluWithGradient(at::zeros({2, 8}), at::ones({7}), true), Error);
}

}  // namespace
}  // namespace t3
