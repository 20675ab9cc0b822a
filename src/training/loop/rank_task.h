// A training step shared by ranks: groups of them take its micro batches.
#pragma once

#include <memory>
#include <optional>

#include "parallel/team.h"
#include "training/loop/rank_layout.h"
#include "training/loop/sharded_optimizer.h"
#include "training/loop/task.h"

namespace t3 {

// A rank's part of a step.
class RankShare : public StepShare {
 public:
  RankShare(Team& team, const RankLayout& layout) : team_(team), layout_(layout) {}
  bool Has(int64_t micro) const override {
    return micro % layout_.groups() == layout_.GroupOf(team_.rank());
  }
  void Sum(const at::Tensor& x) const override;
  double SumOf(double x) const override;

 private:
  Team& team_;
  RankLayout layout_;
};

// Rank 0's view of a task that all ranks of a team train: groups of ranks take the micro batches of
// a step (training/loop/rank_layout.h), and the gradients are summed at the last one, where the
// weights' optimizer is (training/loop/sharded_optimizer.h). What a task trains besides, all ranks
// have alike (Task::ShareWith). Rank 0 alone has checkpoints, which are those of one process,
// validation and samples. Losses are those of one process up to rounding.
class RankTask : public Task {
 public:
  // `accumulation`: micro batches a step, at least one a group. Throws Error of kind kUsage for a
  // task that cannot be shared.
  RankTask(Task& task, Team& team, const RankLayout& layout, int64_t accumulation);

  const TensorMap& leaves() const override { return task_.leaves(); }
  // Its state is divided among the ranks. For the lifetime of this object.
  std::unique_ptr<Optimizer> MakeOptimizer(const TrainConfig& config) override;
  MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) override;
  void BeforeStep(int64_t step) override;
  void AfterStep(int64_t step) override;
  StepValues Values() const override { return task_.Values(); }
  bool MayDiverge() const override { return task_.MayDiverge(); }
  TensorMap State() const override { return task_.State(); }
  void Restore(const TensorMap& state, int64_t steps) override;
  void SaveModel(const TensorMap& weights, const std::string& folder) const override {
    task_.SaveModel(weights, folder);
  }
  nlohmann::json Identity() const override { return task_.Identity(); }

 private:
  MicroBatchResult Shared(int64_t step, int64_t micro, double scale);
  MicroBatchResult End();

  Task& task_;
  Team& team_;
  RankLayout layout_;
  RankShare share_;
  int64_t accumulation_;
  std::optional<ShardedOptimizer> optimizer_;  // rank 0's part
  std::optional<Team::Order> order_;           // of the step under way
  MicroBatchResult done_;  // of this step's micro batches of this rank: the sum of losses
  at::Tensor reported_;    // of them, what was returned
};

// The other ranks: their micro batches of every step, and their part of the optimizer, until rank 0
// ends.
void FollowTraining(Task& task, Team& team, const RankLayout& layout, const TrainConfig& config);

}  // namespace t3
