// The custom convolution of wide maps against fp32, at odd sizes: alone, with a residual, with a
// norm.
#include "ops/conv/causal_conv.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <vector>

#include "ops/conv/convolution.h"
#include "ops/conv/convolution_reference.h"
#include "ops/conv/convolution_tuning.h"

namespace t3 {
namespace {

const at::Device kCausalDevice(T3_TEST_DEVICE);

struct CausalCase {
  int64_t frames, rows, columns, in, out;
};

void PrintTo(const CausalCase& c, std::ostream* out) {
  *out << c.frames << "x" << c.rows << "x" << c.columns << ", " << c.in << " to " << c.out;
}

class CausalConvOps : public testing::TestWithParam<CausalCase> {
 protected:
  void SetUp() override {
    const CausalCase& c = GetParam();
    const double scale = 1 / std::sqrt(static_cast<double>(c.in * 27));
    // Values that bf16 holds, so that the reference has the same inputs.
    x_ = Noise({c.frames + 2, c.rows + 2, c.columns, c.in}, 1);
    weight_ = (Noise({c.out, c.in, 3, 3, 3}, 2) * scale).to(at::kBFloat16);
    bias_ = Noise({c.out}, 3).to(at::kFloat);
    gamma_ = Noise({c.out}, 4).to(at::kFloat) + 3;
    residual_ = Noise({c.frames, c.rows + 3, c.columns, c.out}, 5);
    expected_ =
        ReferenceConvolution(x_.to(at::kFloat), weight_.to(at::kFloat), {.column_padding = 1});
    for (at::Tensor* t : {&x_, &weight_, &bias_, &gamma_, &residual_}) *t = t->to(kCausalDevice);
    weight_ = weight_.contiguous(at::MemoryFormat::ChannelsLast3d);
    maps_ = {x_.narrow(0, 0, 2).clone(), x_.narrow(0, 2, c.frames)};
    if (!SupportsCausalConv(weight_)) GTEST_SKIP() << "for Hopper GPUs";
  }

  static at::Tensor Noise(at::IntArrayRef shape, uint64_t seed) {
    return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed)).to(at::kBFloat16);
  }
  // One rounding to bf16 is 1.7e-3 in L2 (convolution_checker.cc).
  static void ExpectRight(const at::Tensor& y, const at::Tensor& expected) {
    const at::Tensor got = y.cpu().to(at::kFloat);
    ASSERT_EQ(got.sizes(), expected.sizes());
    EXPECT_LT(((got - expected).norm() / expected.norm()).item<double>(), 2e-3);
  }
  // Memory that holds NaN, which the allocator returns for the next request of this size.
  void Poison(const at::Tensor& like) const { at::full_like(like, NAN); }

  at::Tensor x_, weight_, bias_, gamma_, residual_, expected_;
  CausalMaps maps_;
  c10::NoGradGuard no_grad_;
};

// There is no kernel for the CPU.
std::vector<CausalCase> CausalCases() {
  if (!kCausalDevice.is_cuda()) return {};
  return {{1, 16, 32, 96, 96},   {3, 19, 37, 96, 96},  {2, 5, 3, 192, 96},
          {2, 35, 20, 96, 192},  {1, 1, 1, 48, 192},   {3, 33, 70, 192, 192},
          {2, 17, 18, 384, 192}, {4, 40, 60, 192, 96}, {3, 19, 37, 96, 8}};
}
INSTANTIATE_TEST_SUITE_P(Cases, CausalConvOps, testing::ValuesIn(CausalCases()));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CausalConvOps);

TEST_P(CausalConvOps, EqualsFloat32) {
  Poison(expected_.to(at::kBFloat16).to(kCausalDevice));
  const at::Tensor y = CausalConv(maps_, weight_);
  EXPECT_TRUE(y.is_contiguous());
  ExpectRight(y, expected_);
  for (int run = 0; run < 20; ++run) {
    ASSERT_TRUE(at::equal(CausalConv(maps_, weight_), y)) << "other bits in run " << run;
  }
}

TEST_P(CausalConvOps, AddsBiasAndResidual) {
  if (GetParam().out == 8) GTEST_SKIP() << "nothing follows the last convolution";
  const at::Tensor residual = residual_.narrow(1, 2, GetParam().rows);  // frames lie apart
  const at::Tensor expected = expected_ + bias_.cpu() + residual.cpu().to(at::kFloat);
  Poison(expected.to(at::kBFloat16).to(kCausalDevice));
  ExpectRight(CausalConvAdd(maps_, weight_, bias_, residual), expected);
}

TEST_P(CausalConvOps, NormsIntoTheNextInput) {
  if (GetParam().out == 8) GTEST_SKIP() << "nothing follows the last convolution";
  const CausalCase& c = GetParam();
  const NormSiluOptions cpu{.bias = bias_.cpu(), .gamma = gamma_.cpu(), .silu = true};
  const NormSiluOptions gpu{.bias = bias_, .gamma = gamma_, .silu = true};
  for (const auto& [above, below] : {std::pair{0, 0}, {1, 0}, {0, 1}, {1, 1}}) {
    const at::Tensor expected = at::zeros({c.frames, c.rows + above + below, c.columns, c.out});
    NormSilu(expected_, cpu, -above, expected);
    const at::Tensor whole =
        at::full({c.frames + 2, expected.size(1), c.columns, c.out}, NAN, x_.options());
    CausalConvNormSilu(maps_, weight_, gpu, -above, whole.narrow(0, 2, c.frames));
    ExpectRight(whole.narrow(0, 2, c.frames), expected);
    EXPECT_TRUE(whole.narrow(0, 0, 2).isnan().all().item<bool>());
  }
}

// Rows that are zero have no norm.
TEST_P(CausalConvOps, NormOfZerosIsZero) {
  if (GetParam().out == 8) GTEST_SKIP() << "nothing follows the last convolution";
  const at::Tensor out = at::full_like(CausalConv(maps_, weight_), NAN);
  CausalConvNormSilu({at::zeros_like(maps_.cache), at::zeros_like(maps_.frames)}, weight_,
                     {.bias = at::zeros_like(bias_), .gamma = gamma_, .silu = true}, 0, out);
  EXPECT_TRUE(out.eq(0).all().item<bool>());
}

TEST(CausalConv, IsTakenForWideMapsWhereAllowed) {
  const c10::NoGradGuard no_grad;
  if (!kCausalDevice.is_cuda()) GTEST_SKIP() << "for Hopper GPUs";
  const auto options = at::device(kCausalDevice).dtype(at::kBFloat16);
  const at::Tensor wide = at::zeros({3, 402, 480, 96}, options);
  const at::Tensor small = at::zeros({3, 18, 32, 96}, options);
  const at::Tensor weight =
      at::zeros({96, 96, 3, 3, 3}, options).contiguous(at::MemoryFormat::ChannelsLast3d);
  if (!SupportsCausalConv(weight)) GTEST_SKIP() << "for Hopper GPUs";
  const auto custom = [&](const at::Tensor& x, int64_t choices) {
    SetConvolutionSettings({.choices = choices});
    Convolution(x, weight, {.column_padding = 1});
    return CountConvolutions().custom;
  };
  const bool portable = std::getenv("T3_PORTABLE") != nullptr;
  EXPECT_EQ(custom(wide, 4), portable ? 0 : 1);
  EXPECT_EQ(custom(small, 4), 0);
  EXPECT_EQ(custom(wide, 0), 0);
  SetConvolutionSettings({});
}

}  // namespace
}  // namespace t3
