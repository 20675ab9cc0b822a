// Convolutions of maps at odd sizes against fp32; on a GPU with every plan that may be chosen, and
// the table of plans.
#include "ops/conv/convolution.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <ostream>

#include "ops/conv/convolution_checker.h"
#include "ops/conv/convolution_reference.h"
#include "ops/conv/convolution_tuning.h"

namespace t3 {
namespace {

const at::Device kConvolutionDevice(T3_TEST_DEVICE);

struct ConvolutionCase {
  int64_t frames, rows, columns, in, out, kt, k;
  ConvolutionOptions options;
};

void PrintTo(const ConvolutionCase& c, std::ostream* out) {
  *out << c.frames << "x" << c.rows << "x" << c.columns << ", " << c.in << " to " << c.out
       << ", kernel " << c.kt << "x" << c.k << "x" << c.k << ", stride " << c.options.time_stride;
}

at::Tensor ConvolutionNoise(at::IntArrayRef shape, uint64_t seed) {
  return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed));
}

class ConvolutionOps : public testing::TestWithParam<ConvolutionCase> {
 protected:
  void SetUp() override {
    const ConvolutionCase& c = GetParam();
    const double scale = 1 / std::sqrt(static_cast<double>(c.in * c.kt * c.k * c.k));
    // Values that bf16 holds, so that the reference has the same inputs.
    x_ = ConvolutionNoise({c.frames, c.rows, c.columns, c.in}, 1).to(at::kBFloat16);
    weight_ = (ConvolutionNoise({c.out, c.in, c.kt, c.k, c.k}, 2) * scale).to(at::kBFloat16);
    expected_ = ReferenceConvolution(x_.to(at::kFloat), weight_.to(at::kFloat), c.options);
    x_ = x_.to(kConvolutionDevice);
    weight_ = weight_.to(kConvolutionDevice).contiguous(at::MemoryFormat::ChannelsLast3d);
    Forget();
  }
  void TearDown() override { Forget(); }

  // All choices, and what earlier tests have found.
  static void Forget() {
    SetPlanTable({});
    SetConvolutionSettings({});
    TakeFoundPlans();
  }
  static PlanTable FinishAndTake() {
    FinishConvolutionTuning();
    return TakeFoundPlans();
  }
  static void UseTable(PlanTable table) {
    SetPlanTable(std::move(table));
    SetConvolutionSettings({});
  }

  // One rounding to bf16 is 1.7e-3 in L2 (convolution_checker.cc).
  void ExpectRight(const at::Tensor& y) const {
    EXPECT_EQ(y.sizes(), expected_.sizes());
    EXPECT_TRUE(y.is_contiguous());
    const at::Tensor got = y.cpu().to(at::kFloat);
    EXPECT_LT(((got - expected_).norm() / expected_.norm()).item<double>(), 2.5e-3);
  }
  at::Tensor Run() const { return Convolution(x_, weight_, GetParam().options); }

  at::Tensor x_, weight_, expected_;
  c10::NoGradGuard no_grad_;
};

INSTANTIATE_TEST_SUITE_P(
    Cases, ConvolutionOps,
    testing::Values(ConvolutionCase{4, 9, 13, 16, 24, 3, 3, {1, 0, 1}},
                    ConvolutionCase{3, 7, 11, 96, 96, 3, 3, {1, 0, 1}},
                    ConvolutionCase{6, 5, 17, 192, 384, 3, 1, {1, 0, 0}},
                    ConvolutionCase{5, 6, 9, 32, 64, 3, 1, {2, 0, 0}},
                    ConvolutionCase{1, 7, 10, 64, 128, 1, 2, {1, 1, 1}},
                    ConvolutionCase{3, 8, 9, 96, 8, 3, 3, {1, 0, 1}},
                    ConvolutionCase{3, 6, 7, 12, 20, 3, 3, {1, 0, 1}}));  // not whole vectors

TEST_P(ConvolutionOps, EqualsFloat32) {
  for (const int64_t choices : {0, 1, 4}) {
    SetConvolutionSettings({.choices = choices});
    // Enough calls to run every candidate and what is chosen.
    for (int call = 0; call < 16; ++call) ExpectRight(Run());
  }
}

// Also for frames that lie apart, as the rows of a slab do.
TEST_P(ConvolutionOps, Float32EqualsTheReference) {
  if (kConvolutionDevice.is_cuda()) GTEST_SKIP() << "on a GPU it is the reference";
  const at::Tensor whole = ConvolutionNoise({x_.size(0), x_.size(1) + 3, x_.size(2), x_.size(3)}, 3)
                               .to(kConvolutionDevice);
  const at::Tensor weight = weight_.to(at::kFloat);
  for (const at::Tensor& x : {whole, whole.narrow(1, 2, x_.size(1))}) {
    const at::Tensor want =
        ReferenceConvolution(x.cpu().contiguous(), weight.cpu(), GetParam().options);
    const at::Tensor got = Convolution(x, weight, GetParam().options).cpu();
    ASSERT_EQ(got.sizes(), want.sizes());
    EXPECT_TRUE(got.is_contiguous());
    // Sums of n products, each rounded: sqrt(n / 2) times 6e-8.
    const double n = static_cast<double>(weight.numel() / weight.size(0));
    EXPECT_LT(((got - want).norm() / want.norm()).item<double>(), std::sqrt(n / 2) * 6e-8 + 1e-7);
  }
}

// What a first run found serves a second one: the same plan, so the same bits.
TEST_P(ConvolutionOps, FoundPlansAreTakenAgain) {
  const bool taken =
      kConvolutionDevice.is_cuda() && GetParam().in % 8 == 0 && !kernels::CudnnMachine(0).empty();
  for (int call = 0; call < 16; ++call) Run();
  const PlanTable found = FinishAndTake();
  if (!taken || CountConvolutions().timed == 0) {
    if (taken) std::cout << "cuDNN has one plan only, nothing to choose\n";
    EXPECT_TRUE(found.empty());
    return;
  }
  ASSERT_EQ(found.size(), 1);
  std::cout << found.begin()->first << ": " << found.begin()->second << "\n";
  const at::Tensor first = Run();
  UseTable(found);
  const at::Tensor second = Run();
  EXPECT_EQ(CountConvolutions().from_table, 1);
  EXPECT_TRUE(FinishAndTake().empty());  // nothing was timed
  EXPECT_TRUE(at::equal(first, second));
}

// Every candidate against libtorch on the same device, by the check that benchmarks use.
TEST_P(ConvolutionOps, CheckFindsNothingWrong) {
  const ConvolutionChecker checker;
  for (int call = 0; call < 16; ++call) Run();
  const ConvolutionCheck report = checker.result();
  const ConvolutionCounts counts = CountConvolutions();
  EXPECT_EQ(report.wrong, 0) << report.difference;
  EXPECT_EQ(report.checked, counts.timed + counts.first > 0 ? 16 : 0);
}

TEST_P(ConvolutionOps, StaleEntriesAreReplaced) {
  for (int call = 0; call < 16; ++call) Run();
  PlanTable table = FinishAndTake();
  for (auto& [shape, plan] : table) plan = "eng99999_k2=1";
  const auto entries = static_cast<int64_t>(table.size());
  UseTable(table);
  for (int call = 0; call < 16; ++call) ExpectRight(Run());
  EXPECT_EQ(CountConvolutions().stale, entries);
  EXPECT_EQ(FinishAndTake().size(), table.size());
}

TEST(ConvolutionPlanIn, KnowsHeightsThatTheTableDoesNotName) {
  const auto shape = [](int64_t frames, int64_t rows, int64_t in) {
    return kernels::ConvolutionShape{.x = {frames, rows, 480},
                                     .kernel = {3, 3, 3},
                                     .padding = {0, 0, 1},
                                     .stride = {1, 1, 1},
                                     .in = in,
                                     .out = 384};
  };
  const auto key = [&](int64_t rows) { return "a GPU, " + ConvolutionName(shape(4, rows, 384)); };
  const PlanTable table{{key(274), "whole"}, {key(70), "quarter"}};
  bool of_nearest_rows = false;
  const auto plan = [&](const std::string& machine, const kernels::ConvolutionShape& of) {
    return ConvolutionPlanIn(table, machine, of, of_nearest_rows);
  };
  EXPECT_EQ(plan("a GPU", shape(4, 274, 384)), "whole");
  EXPECT_EQ(plan("a GPU", shape(4, 94, 384)), "");
  of_nearest_rows = true;
  EXPECT_EQ(plan("a GPU", shape(4, 94, 384)), "quarter");
  EXPECT_EQ(plan("a GPU", shape(4, 200, 384)), "whole");
  EXPECT_EQ(plan("a GPU", shape(4, 1000, 384)), "whole");
  EXPECT_EQ(plan("a GPU", shape(4, 7, 384)), "");  // nine times as high
  EXPECT_EQ(plan("a GPU", shape(4, 8, 384)), "quarter");
  EXPECT_EQ(plan("a GPU", shape(3, 94, 384)), "");
  EXPECT_EQ(plan("a GPU", shape(4, 94, 192)), "");
  EXPECT_EQ(plan("another GPU", shape(4, 94, 384)), "");
}

}  // namespace
}  // namespace t3
