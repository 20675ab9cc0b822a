// Ranks that share the optimizer's state do what one process does.
#include "training/loop/sharded_optimizer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/error_of.h"
#include "parallel/testing/thread_ranks.h"
#include "training/loop/rank_optimizer.h"
#include "training/loop/step_random.h"

namespace t3 {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;

at::Tensor NormalOf(int64_t seed, at::IntArrayRef shape) {
  return StepRandom(7, seed, 0).Normal(Draw::kNoise, shape, at::kCPU);
}

// Matrices for Muon, one of them transposed in memory, vectors for AdamW.
TensorMap MakeLeaves() {
  TensorMap leaves{{"a", NormalOf(1, {20, 24})},
                   {"b", NormalOf(2, {20, 24})},
                   {"c", NormalOf(3, {24, 17}).t()},
                   {"d", NormalOf(4, {9})},
                   {"e", NormalOf(5, {1})}};
  for (auto& [name, leaf] : leaves) leaf = leaf.requires_grad_();
  return leaves;
}

// Of rank `rank` of `ranks`: parts that add up to the gradient of step `step`.
void SetGradients(const TensorMap& leaves, int64_t step, int64_t rank, int64_t ranks) {
  int64_t number = 10 * step;
  for (const auto& [name, leaf] : leaves) {
    const at::Tensor whole = NormalOf(++number, leaf.sizes());
    at::Tensor weight = leaf;
    weight.mutable_grad() = rank == 0 ? whole * static_cast<double>(ranks) : -whole;
  }
}

constexpr double kEmaDecay = 0.9;

OptimizerConfig ConfigWith(MatrixRule rule) {
  return {.lr = 0.01, .weight_decay = 0.1, .clip = 3, .matrices = rule};
}

struct Updated {
  std::vector<double> norms;
  TensorMap state, average;
};

Updated Alone(const OptimizerConfig& config, int64_t steps) {
  const TensorMap leaves = MakeLeaves();
  LocalOptimizer optimizer(config, kEmaDecay, leaves);
  Updated result;
  for (int64_t step = 0; step < steps; ++step) {
    SetGradients(leaves, step, 0, 1);
    result.norms.push_back(optimizer.ClipGradients());
    optimizer.Step(config.lr);
  }
  result.state = optimizer.State();
  result.average = optimizer.EmaWeights();
  return result;
}

// From `first`, whose checkpoint is `state` if that is not empty.
Updated Shared(const OptimizerConfig& config, int64_t ranks, int64_t first, int64_t end,
               const TensorMap& state = {}) {
  Updated result;
  const auto errors = RunRanks(ranks, [&](Team& team) {
    const TensorMap leaves = MakeLeaves();
    ShardedOptimizer part(config, kEmaDecay, leaves, team);
    if (!state.empty()) part.Restore(state, first);
    for (int64_t step = first; step < end; ++step) {
      SetGradients(leaves, step, team.rank(), ranks);
      part.SumGradients();
      const double norm = part.ClipGradients();
      part.Step(config.lr);
      if (team.rank() == 0) result.norms.push_back(norm);
    }
    const TensorMap all = part.State(), average = part.EmaWeights();
    EXPECT_EQ(all.empty(), team.rank() != 0);
    if (team.rank() != 0) return;
    for (const auto& [name, tensor] : all) result.state[name] = tensor.clone();
    result.average = average;
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
  return result;
}

void ExpectClose(const TensorMap& several, const TensorMap& one) {
  ASSERT_EQ(several.size(), one.size());
  for (const auto& [name, tensor] : one)
    EXPECT_TRUE(at::allclose(several.at(name), tensor, 1e-5, 1e-6)) << name;
}

class ShardedOptimizerTest : public testing::TestWithParam<MatrixRule> {};

TEST_P(ShardedOptimizerTest, DoesWhatOneProcessDoes) {
  const OptimizerConfig config = ConfigWith(GetParam());
  const Updated one = Alone(config, 5);
  for (const int64_t ranks : {2, 3, 6}) {  // more than leaves as well
    const Updated several = Shared(config, ranks, 0, 5);
    for (size_t i = 0; i < one.norms.size(); ++i)
      EXPECT_NEAR(several.norms[i], one.norms[i], 1e-6 * one.norms[i]) << ranks;
    ExpectClose(several.state, one.state);
    ExpectClose(several.average, one.average);
  }
}

TEST_P(ShardedOptimizerTest, ResumesOnAnotherNumberOfRanks) {
  const OptimizerConfig config = ConfigWith(GetParam());
  const Updated some = Shared(config, 3, 0, 2);
  ExpectClose(Shared(config, 2, 2, 5, some.state).state, Alone(config, 5).state);
}

TEST_P(ShardedOptimizerTest, ResumesBitForBit) {
  const OptimizerConfig config = ConfigWith(GetParam());
  const Updated straight = Shared(config, 3, 0, 4), some = Shared(config, 3, 0, 2);
  const Updated resumed = Shared(config, 3, 2, 4, some.state);
  for (const auto& [name, tensor] : straight.state)
    EXPECT_TRUE(resumed.state.at(name).equal(tensor)) << name;
}

INSTANTIATE_TEST_SUITE_P(Rules, ShardedOptimizerTest,
                         testing::Values(MatrixRule::kAdamW, MatrixRule::kMuon),
                         [](const auto& rule) {
                           return rule.param == MatrixRule::kMuon ? "Muon" : "AdamW";
                         });

TEST(ShardedOptimizer, RefusesAStateOfAnotherModel) {
  const auto errors = RunRanks(2, [](Team& team) {
    const TensorMap leaves = MakeLeaves();
    ShardedOptimizer part(ConfigWith(MatrixRule::kAdamW), 0, leaves, team);
    TensorMap state = part.State();
    if (team.rank() != 0) return;
    EXPECT_EQ(ErrorOf([&] { part.CheckRestorable(state); }), "");
    state["ema.a"] = state["weight.a"];
    EXPECT_THAT(ErrorOf([&] { part.CheckRestorable(state); }), HasSubstr("has a tensor ema.a"));
    state.erase("moment2.d");
    EXPECT_THAT(ErrorOf([&] { part.CheckRestorable(state); }), HasSubstr("moment2.d is missing"));
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

TEST(OwnersOf, SpreadsElementsEvenly) {
  TensorMap leaves;
  for (int64_t i = 0; i < 10; ++i)
    leaves[fmt::format("w{}", i)] = at::empty({1 + i, 10}, at::TensorOptions(at::kMeta));
  std::vector<int64_t> loads(3, 0);
  for (const auto& [name, owner] : OwnersOf(leaves, 3))
    loads[static_cast<size_t>(owner)] += leaves[name].numel();
  EXPECT_EQ(loads[0] + loads[1] + loads[2], 550);
  for (const int64_t load : loads) EXPECT_NEAR(static_cast<double>(load), 550.0 / 3, 30);
}

}  // namespace
}  // namespace t3
