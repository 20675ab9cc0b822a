// AdamW against its definition in fp64, clipping, schedules and the average.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "t3video/error.h"
#include "training/loop/local_optimizer.h"

namespace t3 {
namespace {

TEST(Optimizer, FollowsAdamW) {
  const OptimizerConfig config{
      .lr = 0.01, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .clip = 0};
  const at::Tensor start = at::randn({7, 3});
  TensorMap leaves{{"w", start.clone().requires_grad_()}};
  LocalOptimizer optimizer(config, 0.9, leaves);
  at::Tensor w = start.to(at::kDouble), m = at::zeros_like(w), v = at::zeros_like(w);
  at::Tensor average = w.clone();
  for (int step = 1; step <= 5; ++step) {
    const at::Tensor gradient = at::randn({7, 3});
    leaves["w"].mutable_grad() = gradient.clone();
    const double norm = optimizer.ClipGradients();
    EXPECT_NEAR(norm, gradient.norm().item<double>(), 1e-5);
    optimizer.Step(config.lr);
    const at::Tensor g = gradient.to(at::kDouble);
    w = w * (1 - config.lr * config.weight_decay);
    m = 0.9 * m + 0.1 * g;
    v = 0.95 * v + 0.05 * g * g;
    const at::Tensor m_hat = m / (1 - std::pow(0.9, step));
    const at::Tensor v_hat = v / (1 - std::pow(0.95, step));
    w = w - config.lr * m_hat / (v_hat.sqrt() + config.eps);
    average = 0.9 * average + 0.1 * w;
  }
  EXPECT_TRUE(at::allclose(leaves["w"].detach().to(at::kDouble), w, 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(optimizer.EmaWeights()["w"].to(at::kDouble), average, 1e-5, 1e-6));
  EXPECT_FALSE(leaves["w"].grad().defined());
}

TEST(Optimizer, ClipsTheGlobalNorm) {
  TensorMap leaves{{"a", at::zeros({3}).requires_grad_()}, {"b", at::zeros({1}).requires_grad_()}};
  LocalOptimizer optimizer({.clip = 1}, 0, leaves);
  EXPECT_THROW(optimizer.ClipGradients(), Error);  // no gradients yet
  leaves["a"].mutable_grad() = at::zeros({3});
  leaves["a"].mutable_grad()[1] = 3;
  leaves["b"].mutable_grad() = at::full({1}, 4.0);
  EXPECT_NEAR(optimizer.ClipGradients(), 5, 1e-6);
  EXPECT_NEAR(leaves["b"].grad().item<double>(), 0.8, 1e-6);
  EXPECT_NEAR(optimizer.ClipGradients(), 1, 1e-6);
}

TEST(Optimizer, RatesFollowTheirSchedule) {
  const OptimizerConfig optimizer{.lr = 2};
  const ScheduleConfig cosine{.warmup = 4, .decay = Decay::kCosine, .final = 0.1};
  EXPECT_DOUBLE_EQ(LearningRate(optimizer, cosine, 0, 15), 0.5);
  EXPECT_DOUBLE_EQ(LearningRate(optimizer, cosine, 3, 15), 2);
  EXPECT_DOUBLE_EQ(LearningRate(optimizer, cosine, 4, 15), 2);
  EXPECT_NEAR(LearningRate(optimizer, cosine, 9, 15), 1.1, 1e-12);
  EXPECT_NEAR(LearningRate(optimizer, cosine, 14, 15), 0.2, 1e-12);
  const ScheduleConfig linear{.decay = Decay::kLinear};
  EXPECT_DOUBLE_EQ(LearningRate(optimizer, linear, 5, 11), 1);
  EXPECT_DOUBLE_EQ(LearningRate(optimizer, {}, 5, 11), 2);
}

}  // namespace
}  // namespace t3
