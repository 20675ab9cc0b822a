// The optimizer of a training that ranks share, as rank 0's trainer sees it.
#pragma once

#include <memory>

#include "parallel/team.h"
#include "training/loop/sharded_optimizer.h"

namespace t3 {

// Orders of the other ranks what it does of a ShardedOptimizer itself; they follow with
// FollowOptimizer.
class RankOptimizer : public Optimizer {
 public:
  // `part`: rank 0's, which must live as long.
  RankOptimizer(ShardedOptimizer& part, Team& team) : part_(part), team_(team) {}

  double ClipGradients() override;
  void Step(double lr) override;
  TensorMap EmaWeights() const override;
  TensorMap State() const override;
  // Not after a failure, when the other ranks are gone or in the middle of something else.
  bool HasState() const override { return team_.in_step(); }
  void Restore(const TensorMap& state, int64_t steps) override;

 private:
  ShardedOptimizer& part_;
  Team& team_;
};

// The others: carries out `order`, where it is one of a RankOptimizer's, with this rank's part.
bool FollowOptimizer(const nlohmann::json& order, ShardedOptimizer& part);

}  // namespace t3
