// Attention over more windows than a GPU's grid takes at once.
#include "ops/attention_backend.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace t3 {
namespace {

TEST(Attend, TakesMoreBatchesThanAGridHas) {
  constexpr int64_t kBatches = 65'535 + 70;
  const auto random = [] { return at::randn({kBatches, 3, 1, 8}); };
  const at::Tensor q = random(), k = random(), v = random(), bias = at::randn({kBatches, 3});
  for (const at::Tensor& added : {at::Tensor(), bias}) {
    const auto heads = [](const at::Tensor& x) { return x.transpose(1, 2); };
    at::Tensor logits = at::matmul(heads(q), heads(k).transpose(2, 3)) / std::sqrt(8.0);
    if (added.defined()) logits = logits + added.view({-1, 1, 1, 3});
    const at::Tensor want = heads(at::matmul(logits.softmax(-1), heads(v)));
    EXPECT_TRUE(at::allclose(Attend(q, k, v, added), want, 1e-4, 1e-5));
  }
}

}  // namespace
}  // namespace t3
