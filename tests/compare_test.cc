// The comparer itself: what must fail, fails.
#include "compare.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace t3 {
namespace {

TEST(Compare, MeasuresTheDistance) {
  const at::Tensor want = at::full({4, 4}, 2.0);
  EXPECT_EQ(RelativeL2(want, want), 0);
  EXPECT_NEAR(RelativeL2(want * 1.01, want), 0.01, 1e-6);
  EXPECT_NEAR(RelativeL2(-want, want), 2, 1e-12);
  EXPECT_NEAR(RelativeL2(want * 0, want), 1, 1e-12);
  at::Tensor one_off = want.clone();
  one_off[3][3] = -2;
  EXPECT_NEAR(RelativeL2(one_off, want), 0.5, 1e-12);
  EXPECT_LT(RelativeL2(want.to(at::kBFloat16), want), 1e-12);
}

TEST(Compare, NothingBrokenIsNear) {
  const at::Tensor want = at::ones({3});
  for (const double value : {std::nan(""), double{INFINITY}, double{-INFINITY}}) {
    at::Tensor broken = at::ones({3});
    broken[1] = value;
    EXPECT_EQ(RelativeL2(broken, want), INFINITY);
    EXPECT_EQ(RelativeL2(want, broken), INFINITY);
    EXPECT_EQ(RelativeL2(broken, broken), INFINITY);
  }
  EXPECT_EQ(RelativeL2(at::ones({1, 3}), want), INFINITY);
  EXPECT_EQ(RelativeL2(at::ones({2}), want), INFINITY);
  EXPECT_EQ(RelativeL2(at::zeros({3}), at::zeros({3})), INFINITY);
  EXPECT_EQ(RelativeL2(at::zeros({0}), at::zeros({0})), INFINITY);
  EXPECT_EQ(RelativeL2(at::Tensor(), want), INFINITY);
}

}  // namespace
}  // namespace t3
