// Rank 0's trainer and the others' help.
#include "training/train_ranks.h"

#include <optional>

#include "base/check.h"
#include "base/digest.h"
#include "base/failure.h"
#include "pipeline/ranks/orders.h"

namespace t3 {
namespace {

constexpr char kGo[] = "prepare to train";

// Thrown where rank 0 ends before the training begins; it says why itself.
struct EndedByLeader {};

std::string SequenceText(const TrainConfig& config) {
  return config.sequence_parallel ? std::to_string(*config.sequence_parallel) : "automatic";
}

TrainResult RunTrainer(const TrainConfig& config, Task& task, const RunContext& context,
                       TrainHooks hooks) {
  Trainer trainer(config, task, context, std::move(hooks));
  trainer.Run();
  TrainResult result{config.output, trainer.step(), std::nullopt};
  const std::vector<LogEntry>& log = trainer.log();
  if (!log.empty() && log.back().step == result.steps) result.loss = log.back().loss;
  return result;
}

}  // namespace

TrainRanks::TrainRanks(const RankPlace& place, at::Device device, const TrainConfig& config)
    : team_(JoinRanks(place, device,
                      {{"configuration", DigestText(Digest(config.settings.recorded().dump()))},
                       {"sequence_parallel", SequenceText(config)}})) {}

TrainRanks::~TrainRanks() { LeaveRanks(team_); }

void TrainRanks::First(const std::function<void()>& work) {
  if (leads()) work();
  Together([](Team*) {});
}

void TrainRanks::Together(const std::function<void(Team* team)>& work) {
  if (team_ == nullptr) return work(nullptr);
  std::optional<Team::Order> order;
  if (leads()) {
    order.emplace(*team_, nlohmann::json{{"do", kGo}}.dump());
  } else {
    AwaitGo();
  }
  work(team_);
  team_->Share("");  // else a rank that is done may run out of patience for one that is not
  if (leads()) {
    order->End();
  } else {
    team_->Answer();
  }
}

void TrainRanks::AwaitGo() {
  const auto order = nlohmann::json::parse(team_->Next());
  if (order.at("do") == orders::kEnd) {
    team_->Answer();
    throw EndedByLeader();
  }
  T3_CHECK(order.at("do") == kGo, "rank {} is to begin a training and was ordered to {}",
           team_->rank(), order.at("do").get<std::string>());
}

RankLayout TrainRanks::LayoutFor(const TrainConfig& config, int64_t heads) const {
  return ChooseRankLayout(size(), config.accumulation, config.sequence_parallel, heads);
}

RankGroup* TrainRanks::SequenceGroup(const RankLayout& layout) {
  if (layout.sequence == 1) return nullptr;
  return &team_->Among(layout.Members(team_->rank()));
}

TrainResult TrainRanks::Run(const TrainConfig& config, const RankLayout& layout, Task& task,
                            const RunContext& context, TrainHooks hooks) {
  if (team_ == nullptr) return RunTrainer(config, task, context, std::move(hooks));
  if (!leads()) {
    FollowTraining(task, *team_, layout, config);
    return {config.output, 0, std::nullopt};
  }
  RankTask shared(task, *team_, layout, config.accumulation);
  return RunTrainer(config, shared, context, std::move(hooks));
}

TrainResult TrainRanks::Leading(const TrainConfig& config,
                                const std::function<TrainResult()>& work) {
  try {
    return work();
  } catch (...) {
    const Error error = CurrentError();
    const bool lost_rank = team_ != nullptr && !team_->Trouble().empty();
    if (!lost_rank || error.kind() != ErrorKind::kFailed) throw;
    Fail("{}. {}, also on another number of GPUs", error.what(),
         CheckpointFolder(config.output, config.checkpoint.keep).ContinuationText());
  }
}

TrainResult TrainRanks::Reporting(const std::function<TrainResult()>& work) {
  try {
    return work();
  } catch (const EndedByLeader&) {
    return {};
  } catch (...) {
    const Error error = CurrentError();
    if (team_->LeaderEnded()) return {};
    team_->Report(error.what());
    throw error;
  }
}

}  // namespace t3
