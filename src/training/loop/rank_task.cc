// Weights to all ranks, gradients and losses back.
#include "training/loop/rank_task.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "base/check.h"

namespace t3 {
namespace {

constexpr char kStep[] = "train a step";
constexpr char kEnd[] = "end";

void SendWeights(const Task& task, Team& team) {
  const c10::NoGradGuard no_grad;
  for (const auto& [name, leaf] : task.leaves()) {
    const at::Tensor weight = leaf.detach();
    if (weight.is_contiguous()) {
      team.everyone().Broadcast(weight, 0);
      continue;
    }
    const at::Tensor copy = weight.contiguous();
    team.everyone().Broadcast(copy, 0);
    weight.copy_(copy);
  }
}

// A leaf without a gradient stays without one: then no rank has one, since all batches are alike.
void SumGradients(const Task& task, Team& team) {
  const c10::NoGradGuard no_grad;
  for (const auto& [name, leaf] : task.leaves()) {
    const at::Tensor gradient = leaf.grad();
    const at::Tensor sum = gradient.defined() ? gradient.contiguous()
                                              : at::zeros(leaf.sizes(), leaf.detach().options());
    team.everyone().Sum(sum);
    if (gradient.defined() && !gradient.is_same(sum)) gradient.copy_(sum);
  }
}

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

}  // namespace

RankTask::RankTask(Task& task, Team& team, const RankLayout& layout, int64_t accumulation)
    : task_(task), team_(team), layout_(layout), accumulation_(accumulation) {
  if (!task.State().empty()) {
    FailUsage(
        "this training updates a second network beside the model (a critic, an average) and "
        "runs in one process; start it on one GPU");
  }
}

void RankTask::Begin(int64_t step, double scale) {
  done_ = {};
  reported_ = at::Tensor();
  order_.emplace(team_, nlohmann::json{{"do", kStep}, {"step", step}, {"scale", scale}}.dump());
  SendWeights(task_, team_);
}

MicroBatchResult RankTask::ForwardBackward(int64_t step, int64_t micro, double scale) {
  if (micro == 0) Begin(step, scale);
  if (micro % layout_.groups() == 0) Add(done_, task_.ForwardBackward(step, micro, scale));
  if (micro == accumulation_ - 1) return End();
  // The trainer sums losses: what this micro batch has added, and the others' at the end.
  const at::Tensor added = reported_.defined() ? done_.loss - reported_ : done_.loss;
  reported_ = done_.loss;
  return {added, {}};
}

MicroBatchResult RankTask::End() {
  SumGradients(task_, team_);
  MicroBatchResult all = ShareResult(done_, team_, layout_);
  team_.everyone().Settle();
  order_->End();
  order_.reset();
  if (reported_.defined()) all.loss = all.loss - reported_;
  return all;
}

void FollowTraining(Task& task, Team& team, const RankLayout& layout, int64_t accumulation) {
  for (;;) {
    const auto order = nlohmann::json::parse(team.Next());
    if (order.at("do") == kEnd) break;
    T3_CHECK(order.at("do") == kStep, "rank {} trains and was ordered to {}", team.rank(),
             order.at("do").get<std::string>());
    SendWeights(task, team);
    MicroBatchResult done;
    for (int64_t micro = layout.GroupOf(team.rank()); micro < accumulation;
         micro += layout.groups())
      Add(done, task.ForwardBackward(order.at("step"), micro, order.at("scale")));
    SumGradients(task, team);
    ShareResult(done, team, layout);
    team.everyone().Settle();
    for (const auto& [name, leaf] : task.leaves()) {
      at::Tensor weight = leaf;
      weight.mutable_grad().reset();
    }
    team.Answer();
  }
  team.Answer();
}

}  // namespace t3
