// Micro batches to groups of ranks, gradients and losses back.
#include "training/loop/rank_task.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "training/loop/rank_optimizer.h"

namespace t3 {
namespace {

constexpr char kOptimizer[] = "make the optimizer";
constexpr char kStep[] = "train a step";
constexpr char kEnd[] = "end";

// The sum of the groups' losses (a scalar) and all their items; every rank of a group has its
// group's.
MicroBatchResult ShareResult(const MicroBatchResult& own, Team& team, const RankLayout& layout) {
  const bool first_of_group = team.rank() % layout.sequence == 0;
  MicroBatchResult all{own.loss.reshape({1}).to(at::kFloat).clone(), {}};
  if (!first_of_group) all.loss.zero_();
  team.everyone().Sum(all.loss);
  all.loss = all.loss.reshape({});
  const nlohmann::json named = first_of_group ? own.items : std::vector<std::string>();
  for (const std::string& items : team.Share(named.dump())) {
    for (const auto& item : nlohmann::json::parse(items)) all.items.push_back(item);
  }
  return all;
}

void Add(MicroBatchResult& sum, const MicroBatchResult& more) {
  sum.loss = sum.loss.defined() ? sum.loss + more.loss : more.loss;
  sum.items.insert(sum.items.end(), more.items.begin(), more.items.end());
}

void FollowStep(Task& task, Team& team, const RankLayout& layout, int64_t accumulation,
                const nlohmann::json& order, ShardedOptimizer& optimizer) {
  MicroBatchResult done;
  for (int64_t micro = layout.GroupOf(team.rank()); micro < accumulation; micro += layout.groups())
    Add(done, task.ForwardBackward(order.at("step"), micro, order.at("scale")));
  optimizer.SumGradients();
  ShareResult(done, team, layout);
  team.everyone().Settle();
}

}  // namespace

RankTask::RankTask(Task& task, Team& team, const RankLayout& layout, int64_t accumulation)
    : task_(task), team_(team), layout_(layout), accumulation_(accumulation) {
  if (!task.State().empty()) {
    FailUsage(
        "this training updates a second network beside the model (a critic, an average) and "
        "runs in one process; start it on one GPU");
  }
}

std::unique_ptr<Optimizer> RankTask::MakeOptimizer(const TrainConfig& config) {
  Team::Order order(team_, nlohmann::json{{"do", kOptimizer}}.dump());
  ShardedOptimizer& own = optimizer_.emplace(config.optimizer, config.ema, task_.leaves(), team_);
  order.End();
  return std::make_unique<RankOptimizer>(own, team_);
}

// A failure in the middle leaves the ranks out of step.
MicroBatchResult RankTask::ForwardBackward(int64_t step, int64_t micro, double scale) {
  try {
    return Shared(step, micro, scale);
  } catch (...) {
    order_.reset();
    throw;
  }
}

MicroBatchResult RankTask::Shared(int64_t step, int64_t micro, double scale) {
  if (micro == 0) {
    done_ = {};
    reported_ = at::Tensor();
    order_.emplace(team_, nlohmann::json{{"do", kStep}, {"step", step}, {"scale", scale}}.dump());
  }
  if (micro % layout_.groups() == 0) Add(done_, task_.ForwardBackward(step, micro, scale));
  if (micro == accumulation_ - 1) return End();
  // The trainer sums losses: what this micro batch has added, and the others' at the end.
  const at::Tensor added = reported_.defined() ? done_.loss - reported_ : done_.loss;
  reported_ = done_.loss;
  return {added, {}};
}

MicroBatchResult RankTask::End() {
  T3_CHECK(optimizer_, "ranks: a step before MakeOptimizer");
  optimizer_->SumGradients();
  MicroBatchResult all = ShareResult(done_, team_, layout_);
  team_.everyone().Settle();
  order_->End();
  order_.reset();
  if (reported_.defined()) all.loss = all.loss - reported_;
  return all;
}

void FollowTraining(Task& task, Team& team, const RankLayout& layout, const TrainConfig& config) {
  std::optional<ShardedOptimizer> optimizer;
  for (;;) {
    const auto order = nlohmann::json::parse(team.Next());
    const std::string what = order.at("do");
    if (what == kEnd) break;
    if (what == kOptimizer) {
      optimizer.emplace(config.optimizer, config.ema, task.leaves(), team);
    } else if (what == kStep && optimizer) {
      FollowStep(task, team, layout, config.accumulation, order, *optimizer);
    } else {
      T3_CHECK(optimizer && FollowOptimizer(order, *optimizer),
               "rank {} trains and was ordered to {}", team.rank(), what);
    }
    team.Answer();
  }
  team.Answer();
}

}  // namespace t3
