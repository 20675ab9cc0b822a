// Padded rows of text: their weights add up, and attention with them is that with all rows.
#include "models/dit/text_rows.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "ops/attention/attend.h"

namespace t3 {
namespace {

const at::Device kRowsDevice(T3_TEST_DEVICE);

TEST(TextRows, BiasesSumToTheLength) {
  for (const int64_t length : {1, 2, 40, 63, 64, 120, 447, 508, 509, 510, 511, 512}) {
    for (const TextPadding padding :
         {TextPadding::kAll, TextPadding::kOne, TextPadding::kBf16Bias}) {
      const int64_t rows = TextRows({length}, 512, padding);
      EXPECT_LE(rows, 512);
      const at::Tensor bias = TextBias({length}, 512, rows, padding);
      const double sum = bias.defined() ? bias.to(at::kDouble).exp().sum().item<double>()
                                        : static_cast<double>(rows);
      EXPECT_NEAR(sum, 512, 512e-5) << length;
      if (!bias.defined()) continue;
      EXPECT_TRUE((bias[0].narrow(0, 0, length) == 0).all().item<bool>());
      if (padding == TextPadding::kBf16Bias) {
        EXPECT_TRUE(at::equal(bias.to(at::kBFloat16).to(at::kFloat), bias)) << length;
        EXPECT_EQ(rows % 64, 0);
      }
    }
  }
}

TEST(TextRows, ShortTextsNeedFewRows) {
  EXPECT_EQ(TextRows({1}, 512, TextPadding::kOne), 2);
  EXPECT_EQ(TextRows({1, 40}, 512, TextPadding::kOne), 41);
  EXPECT_EQ(TextRows({1}, 512, TextPadding::kBf16Bias), 64);
  EXPECT_EQ(TextRows({512}, 512, TextPadding::kOne), 512);
  EXPECT_EQ(TextRows({1}, 512, TextPadding::kAll), 512);
}

TEST(TextRows, AttentionEqualsThatWithAllRows) {
  const c10::NoGradGuard no_grad;
  constexpr int64_t kLength = 40, kAllRows = 512, kHeads = 2, kWidth = 64;
  const auto random = [](at::IntArrayRef sizes, uint64_t seed) {
    return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed))
        .to(kRowsDevice, at::kBFloat16);
  };
  at::Tensor k = random({1, kAllRows, kHeads, kWidth}, 1), v = random(k.sizes(), 2);
  for (at::Tensor* x : {&k, &v}) {
    x->narrow(1, kLength, kAllRows - kLength).copy_(x->narrow(1, kLength, 1).clone());
  }
  const at::Tensor q = random({1, 300, kHeads, kWidth}, 3);
  const at::Tensor want =
      Attend(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), {}, ExecutionMode::kInPlace);
  const int64_t rows = TextRows({kLength}, kAllRows, TextPadding::kBf16Bias);
  const at::Tensor bias =
      TextBias({kLength}, kAllRows, rows, TextPadding::kBf16Bias).to(kRowsDevice);
  const at::Tensor got =
      Attend(q, k.narrow(1, 0, rows), v.narrow(1, 0, rows), bias, ExecutionMode::kInPlace);
  const double distance = ((got.to(at::kFloat) - want).norm() / want.norm()).item<double>();
  EXPECT_LT(distance, 4e-3);  // one rounding to bf16 of the output and one of the weights
}

}  // namespace
}  // namespace t3
