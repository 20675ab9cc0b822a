// Micro batches to groups of ranks, gradients and losses back.
#include "training/loop/rank_task.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "training/loop/rank_optimizer.h"

namespace t3 {
namespace {

constexpr char kOptimizer[] = "make the optimizer";
constexpr char kStep[] = "train a step";
constexpr char kBefore[] = "begin a step";
constexpr char kAfter[] = "finish a step";
constexpr char kGiveState[] = "take the task's state";
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

// Rank 0's state of the task, on all.
TensorMap GiveState(const TensorMap& state, const nlohmann::json& order, Team& team) {
  TensorMap all;
  for (const auto& [name, shape] : order.at("tensors").items()) {
    const bool wide = order.at("wide").at(name);
    const at::Tensor tensor =
        at::empty(shape.get<std::vector<int64_t>>(),
                  at::TensorOptions(team.device()).dtype(wide ? at::kDouble : at::kFloat));
    if (team.rank() == 0) tensor.copy_(state.at(name));
    team.everyone().Broadcast(tensor, 0);
    team.everyone().Settle();
    all[name] = tensor.cpu();
  }
  return all;
}

void RefuseToShare() {
  FailUsage("this training updates a second network in one process; start it on one GPU");
}

}  // namespace

void RankShare::Sum(const at::Tensor& x) const {
  const at::Tensor packed = x.contiguous();
  team_.everyone().Sum(packed);
  if (!x.is_contiguous()) x.copy_(packed);
  team_.everyone().Settle();
}

double RankShare::SumOf(double x) const {
  const at::Tensor sum = at::full({1}, x, at::TensorOptions(team_.device()).dtype(at::kDouble));
  Sum(sum);
  return sum.item<double>();
}

RankTask::RankTask(Task& task, Team& team, const RankLayout& layout, int64_t accumulation)
    : task_(task), team_(team), layout_(layout), share_(team, layout), accumulation_(accumulation) {
  if (!task.ShareWith(share_)) RefuseToShare();
}

void RankTask::BeforeStep(int64_t step) {
  Team::Order order(team_, nlohmann::json{{"do", kBefore}, {"step", step}}.dump());
  task_.BeforeStep(step);
  order.End();
}

void RankTask::AfterStep(int64_t step) {
  Team::Order order(team_, nlohmann::json{{"do", kAfter}, {"step", step}}.dump());
  task_.AfterStep(step);
  order.End();
}

void RankTask::Restore(const TensorMap& state, int64_t steps) {
  nlohmann::json tensors = nlohmann::json::object(), wide = nlohmann::json::object();
  for (const auto& [name, tensor] : state) {
    tensors[name] = tensor.sizes().vec();
    wide[name] = tensor.scalar_type() == at::kDouble;
  }
  const nlohmann::json order{
      {"do", kGiveState}, {"steps", steps}, {"tensors", tensors}, {"wide", wide}};
  Team::Order ordered(team_, order.dump());
  GiveState(state, order, team_);
  task_.Restore(state, steps);
  ordered.End();
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
  const RankShare share(team, layout);
  if (!task.ShareWith(share)) RefuseToShare();
  std::optional<ShardedOptimizer> optimizer;
  for (;;) {
    const auto order = nlohmann::json::parse(team.Next());
    const std::string what = order.at("do");
    if (what == kEnd) break;
    if (what == kOptimizer) {
      optimizer.emplace(config.optimizer, config.ema, task.leaves(), team);
    } else if (what == kBefore) {
      task.BeforeStep(order.at("step"));
    } else if (what == kAfter) {
      task.AfterStep(order.at("step"));
    } else if (what == kGiveState) {
      task.Restore(GiveState({}, order, team), order.at("steps"));
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
