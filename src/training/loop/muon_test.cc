// Muon against its definition by singular values, and what it is applied to.
#include "training/loop/muon.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "training/loop/local_optimizer.h"

namespace t3 {
namespace {

TEST(Muon, MakesMatricesNearlyOrthogonal) {
  for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{16, 45}, {33, 20}}) {
    const at::Tensor g = at::randn({3, rows, columns}, at::kDouble);
    const at::Tensor x = Orthogonalize(g);
    const at::Tensor values = std::get<1>(at::linalg_svd(x, false));
    // The range that the quintic keeps singular values in, from 1/500 of the norm up.
    EXPECT_GT(values.min().item<double>(), 0.6);
    EXPECT_LT(values.max().item<double>(), 1.25);
    // It keeps g's singular vectors, so U^T x V is diagonal.
    const auto [u, s, vh] = at::linalg_svd(g, false);
    const at::Tensor inner = u.transpose(1, 2).bmm(x).bmm(vh.transpose(1, 2));
    const at::Tensor off = inner - at::diag_embed(inner.diagonal(0, 1, 2));
    EXPECT_LT(off.abs().max().item<double>(), 1e-9);
  }
}

TEST(Muon, IsForHiddenMatrices) {
  EXPECT_TRUE(IsHiddenMatrix("decoder.conv1.weight", {64, 16, 3, 3, 3}));
  EXPECT_FALSE(IsHiddenMatrix("decoder.head.2.weight", {3, 16, 3, 3, 3}));
  EXPECT_FALSE(IsHiddenMatrix("token_embedding.weight", {800, 192}));
  EXPECT_FALSE(IsHiddenMatrix("norm.gamma", {192}));
}

TEST(Muon, StepsOnceAndAdamWMovesTheRest) {
  const OptimizerConfig config{
      .lr = 0.01, .weight_decay = 0.1, .clip = 0, .matrices = MatrixRule::kMuon, .momentum = 0.9};
  const at::Tensor start = at::randn({16, 2, 20}), gradient = at::randn({16, 2, 20});
  TensorMap leaves{{"w", start.clone().requires_grad_()}, {"b", at::zeros({4}).requires_grad_()}};
  LocalOptimizer optimizer(config, 0, leaves);
  leaves["w"].mutable_grad() = gradient.clone();
  leaves["b"].mutable_grad() = at::ones({4});
  optimizer.Step(config.lr);
  // After one step the momentum is the gradient: any multiple of it has the same orthogonal factor.
  const at::Tensor direction = Orthogonalize(gradient.flatten(1).unsqueeze(0))[0].view({16, 2, 20});
  const at::Tensor wanted = start * (1 - 0.001) - 0.01 * 0.2 * std::sqrt(40.) * direction;
  EXPECT_TRUE(at::allclose(leaves["w"].detach(), wanted, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(leaves["b"].detach(), at::full({4}, -0.01), 1e-4, 1e-6));
  const TensorMap state = optimizer.State();
  EXPECT_TRUE(state.contains("moment1.w") && state.contains("moment2.b"));
  EXPECT_FALSE(state.contains("moment2.w"));
}

}  // namespace
}  // namespace t3
