// Window attention in place against the definition in fp64, at odd sizes: windows of several
// lengths, partitions in any order, heads in groups.
#include "ops/attention/window_attention.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

namespace t3 {
namespace {

const at::Device kWindowDevice(T3_TEST_DEVICE);

at::Tensor RandomForWindows(at::IntArrayRef sizes, uint64_t seed) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed)).to(kWindowDevice);
}

struct WindowCase {
  WindowCase(std::vector<std::vector<WindowGroup>> groups, int64_t n, int64_t h, int64_t d)
      : heads(h),
        rope(RopeTables::Make(1, 1, n, d, kWindowDevice)),
        packed(RandomForWindows({n, 3 * h * d}, 1)),
        q_weight(1 + 0.3 * RandomForWindows({h * d}, 2)),
        k_weight(1 + 0.3 * RandomForWindows({h * d}, 3)) {
    for (const auto& lengths : groups) {
      const at::Tensor order =
          at::randperm(n, at::make_generator<at::CPUGeneratorImpl>(partitions.size())).to(at::kInt);
      partitions.push_back(
          WindowPartition::Make(partitions.empty() ? at::Tensor() : order, lengths, kWindowDevice));
    }
  }
  SelfAttentionInput Input(at::ScalarType dtype) const {
    const std::vector<at::Tensor> parts = packed.to(dtype, false, /*copy=*/true).chunk(3, 1);
    return {.q = parts[0],
            .k = parts[1],
            .v = parts[2],
            .q_weight = q_weight,
            .k_weight = k_weight,
            .heads = heads,
            .rope = &rope};
  }
  // Of the numbers that `dtype` has.
  at::Tensor Exact(at::ScalarType dtype) const {
    SelfAttentionInput in = Input(dtype);
    for (at::Tensor* x : {&in.q, &in.k, &in.v}) *x = x->to(at::kFloat);
    return WindowAttention(in, partitions, 1 << 30, ExecutionMode::kDifferentiable);
  }

  int64_t heads;
  RopeTables rope;
  at::Tensor packed, q_weight, k_weight;
  std::vector<WindowPartition> partitions;
};

// One key more and less than tiles of 112 and 128, one window, and windows of one length.
std::vector<WindowCase> WindowCases() {
  std::vector<WindowCase> cases;
  cases.push_back({{{{0, 3, 129}, {387, 1, 113}}, {{0, 1, 500}}}, 500, 3, 128});
  cases.push_back({{{{0, 4, 65}}, {{0, 2, 130}}}, 260, 2, 128});
  cases.push_back({{{{0, 1, 784}}, {{0, 7, 112}}}, 784, 1, 128});
  cases.push_back({{{{0, 2, 77}, {154, 1, 66}}}, 220, 4, 128});
  cases.push_back({{{{0, 3, 50}}, {{0, 1, 150}}}, 150, 4, 32});
  return cases;
}

TEST(WindowAttention, InPlaceGivesTheDefinition) {
  const c10::NoGradGuard no_grad;
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const WindowCase& one : WindowCases()) {
      const at::Tensor want = one.Exact(dtype);
      // All heads at once, and one by one.
      for (const int64_t scratch : {int64_t{1} << 40, int64_t{1}}) {
        const at::Tensor got =
            WindowAttention(one.Input(dtype), one.partitions, scratch, ExecutionMode::kInPlace);
        const double distance = ((got.to(at::kFloat) - want).norm() / want.norm()).item<double>();
        // In bf16 q, k, the weights and the results of both partitions are rounded, each 1.7e-3.
        EXPECT_LT(distance, dtype == at::kFloat ? 1e-5 : 6e-3)
            << want.size(0) << " tokens, " << one.heads << " heads";
      }
    }
  }
}

}  // namespace
}  // namespace t3
