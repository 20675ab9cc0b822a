// Orders of the optimizer.
#include "training/loop/rank_optimizer.h"

namespace t3 {
namespace {

constexpr char kClipGradients[] = "clip gradients";
constexpr char kUpdateWeights[] = "update weights";
constexpr char kSendAverages[] = "send averages";
constexpr char kSendState[] = "send the optimizer's state";
constexpr char kTakeState[] = "take the optimizer's state";

// All ranks do `work`; rank 0's result.
template <typename Work>
auto Together(Team& team, const nlohmann::json& order, Work work) {
  Team::Order ordered(team, order.dump());
  auto result = work();
  ordered.End();
  return result;
}

}  // namespace

double RankOptimizer::ClipGradients() {
  return Together(team_, {{"do", kClipGradients}}, [&] { return part_.ClipGradients(); });
}

void RankOptimizer::Step(double lr) {
  Team::Order order(team_, nlohmann::json{{"do", kUpdateWeights}, {"lr", lr}}.dump());
  part_.Step(lr);
  order.End();
}

TensorMap RankOptimizer::EmaWeights() const {
  return Together(team_, {{"do", kSendAverages}}, [&] { return part_.EmaWeights(); });
}

TensorMap RankOptimizer::State() const {
  return Together(team_, {{"do", kSendState}}, [&] { return part_.State(); });
}

void RankOptimizer::Restore(const TensorMap& state, int64_t steps) {
  part_.CheckRestorable(state);
  Team::Order order(team_, nlohmann::json{{"do", kTakeState}, {"steps", steps}}.dump());
  part_.Restore(state, steps);
  order.End();
}

bool FollowOptimizer(const nlohmann::json& order, ShardedOptimizer& part) {
  const std::string what = order.at("do");
  if (what == kClipGradients) {
    part.ClipGradients();
  } else if (what == kUpdateWeights) {
    part.Step(order.at("lr"));
  } else if (what == kSendAverages) {
    part.EmaWeights();
  } else if (what == kSendState) {
    part.State();
  } else if (what == kTakeState) {
    part.Restore({}, order.at("steps"));
  } else {
    return false;
  }
  return true;
}

}  // namespace t3
