// Window attention in place against the definition in fp32, at odd sizes: windows of several
// lengths, partitions in any order, heads in groups.
#include "ops/attention/window_attention.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "ops/attention/testing/self_attention_case.h"

namespace t3 {
namespace {

struct WindowCase : SelfAttentionCase {
  WindowCase(std::vector<std::vector<WindowGroup>> groups, int64_t n, int64_t h, int64_t d)
      : SelfAttentionCase(n, h, d) {
    for (const auto& lengths : groups) {
      const at::Tensor order =
          at::randperm(n, at::make_generator<at::CPUGeneratorImpl>(partitions.size())).to(at::kInt);
      partitions.push_back(WindowPartition::Make(partitions.empty() ? at::Tensor() : order, lengths,
                                                 kAttentionTestDevice));
    }
  }
  // Of the numbers that `dtype` has.
  at::Tensor Exact(at::ScalarType dtype) const {
    SelfAttentionInput in = Input(dtype);
    for (at::Tensor* x : {&in.q, &in.k, &in.v}) *x = x->to(at::kFloat);
    return WindowAttention(in, partitions, 1 << 30, ExecutionMode::kDifferentiable);
  }
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

// The result and the gradients of q, k and v, one below the other.
at::Tensor WithGradients(const WindowCase& one, at::ScalarType numbers, at::ScalarType dtype) {
  SelfAttentionInput in = one.Input(numbers);
  for (at::Tensor* x : {&in.q, &in.k, &in.v}) *x = x->to(dtype).requires_grad_();
  const at::Tensor out =
      WindowAttention(in, one.partitions, 1 << 30, ExecutionMode::kDifferentiable);
  const at::Tensor direction = at::sin(at::arange(out.numel(), at::kFloat)).view_as(out);
  (out.to(at::kFloat) * direction.to(out.device())).sum().backward();
  return at::stack({out.detach(), in.q.grad(), in.k.grad(), in.v.grad()}).to(at::kFloat);
}

TEST(WindowAttention, DifferentiablyGivesTheDefinitionAndItsGradients) {
  for (const WindowCase& one : WindowCases()) {
    const at::Tensor want = WithGradients(one, at::kBFloat16, at::kFloat);
    const at::Tensor got = WithGradients(one, at::kBFloat16, at::kBFloat16);
    for (int64_t i = 0; i < 4; ++i) {
      // As in place, and gradients by the weights, their own roundings and those of the norm.
      const double distance = ((got[i] - want[i]).norm() / want[i].norm()).item<double>();
      EXPECT_LT(distance, i == 0 ? 6e-3 : 1.5e-2) << "of result, q, k, v: " << i;
    }
  }
}

}  // namespace
}  // namespace t3
