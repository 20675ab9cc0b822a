// Attention over more windows than a GPU's grid holds, and by every plan of cuDNN.
#include "ops/attention/attend.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <iostream>

#include "kernels/cudnn_plans.h"
#include "ops/attention/attend_cudnn.h"

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
    EXPECT_TRUE(at::allclose(Attend(q, k, v, added, ExecutionMode::kInPlace), want, 1e-4, 1e-5));
  }
}

// Enough work for cuDNN's plans to be tried, and enough calls to check each of them.
TEST(Attend, EveryPlanOfCudnnGivesTheSame) {
  const at::Device device(T3_TEST_DEVICE);
  if (!device.is_cuda()) GTEST_SKIP() << "cuDNN's plans are for GPUs";
  const c10::NoGradGuard no_grad;
  constexpr int64_t kBatches = 8, kRows = 2100, kHeads = 4, kDim = 128;
  // q, k, v of 4 heads in a matrix of 12, as in a packed projection.
  const at::Tensor packed =
      at::randn({kBatches * kRows, 3 * kHeads * kDim}, at::device(device).dtype(at::kBFloat16));
  const auto part = [&](int64_t i) {
    return packed.narrow(1, i * kHeads * kDim, kHeads * kDim)
        .unflatten(1, {kHeads, kDim})
        .unflatten(0, {kBatches, kRows});
  };
  const auto wide = [](const at::Tensor& x) { return x.to(at::kFloat).transpose(1, 2); };
  const at::Tensor logits =
      at::matmul(wide(part(0)), wide(part(1)).transpose(2, 3)) / std::sqrt(double{kDim});
  const at::Tensor want = at::matmul(logits.softmax(-1), wide(part(2))).transpose(1, 2);
  for (int call = 0; call < 12; ++call) {
    const at::Tensor got = Attend(part(0), part(1), part(2), {}, ExecutionMode::kInPlace);
    // The weights and the result are rounded to bf16 once each, 1.7e-3 on average.
    EXPECT_LT(((got - want).norm() / want.norm()).item<double>(), 4e-3) << "call " << call;
  }
  const std::vector<std::string> plans = DescribeAttentionPlans();
  for (const std::string& line : plans) std::cout << line << '\n';
  const bool tried =
      SupportsAttendBias(packed, ExecutionMode::kInPlace) && !kernels::CudnnMachine(0).empty();
  EXPECT_EQ(!plans.empty() && plans[0].find("(taken)") != std::string::npos, tried);
}

}  // namespace
}  // namespace t3
