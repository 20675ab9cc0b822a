// A training on one process, or shared by ranks.
#pragma once

#include <functional>

#include "pipeline/ranks/join.h"
#include "t3video/train.h"
#include "training/loop/rank_task.h"
#include "training/loop/trainer.h"

namespace t3 {

// Rank 0 trains as a process alone does, with the others' help in every step
// (training/loop/rank_task.h). It alone has the output folder.
class TrainRanks {
 public:
  // Meets the other ranks of `place` and compares the configuration with theirs.
  TrainRanks(const RankPlace& place, at::Device device, const TrainConfig& config);
  ~TrainRanks();
  TrainRanks(const TrainRanks&) = delete;
  TrainRanks& operator=(const TrainRanks&) = delete;

  bool leads() const { return team_ == nullptr || team_->rank() == 0; }
  int64_t size() const { return team_ == nullptr ? 1 : team_->size(); }
  // Rank 0 does `work`, such as making a dataset; the others wait until it is done.
  void First(const std::function<void()>& work);
  // All do `work`, in which they exchange tensors, each at its own pace in between; nullptr: this
  // process alone.
  void Together(const std::function<void(Team* team)>& work);
  // How they divide a step (training/loop/rank_layout.h).
  RankLayout LayoutFor(const TrainConfig& config, int64_t heads) const;
  // The ranks that share this one's micro batches; nullptr: this one alone. All ranks call it.
  RankGroup* SequenceGroup(const RankLayout& layout);
  // Rank 0: the trainer's run. The others help until it ends.
  TrainResult Run(const TrainConfig& config, const RankLayout& layout, Task& task,
                  const RunContext& context, TrainHooks hooks = {});
  // Rank 0: `work`. Where it fails because of another rank, the error says how to continue.
  TrainResult Leading(const TrainConfig& config, const std::function<TrainResult()>& work);
  // The others: `work`, whose failure the other ranks get to know; where rank 0 has ended by
  // itself, nothing is to be said.
  TrainResult Reporting(const std::function<TrainResult()>& work);

 private:
  void AwaitGo();

  Team* team_;  // nullptr: this process alone
};

}  // namespace t3
