// Steps of several ranks are those of one.
#include "training/loop/rank_task.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/check.h"
#include "parallel/testing/thread_ranks.h"
#include "training/loop/step_random.h"
#include "training/loop/trainer.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;

// Learns two layers that reproduce a function of random inputs.
class LayersTask : public Task {
 public:
  // `failing`: a step whose batches cannot be computed.
  explicit LayersTask(int64_t failing = -1)
      : failing_(failing),
        leaves_{{"a", (at::eye(6) * 0.5).requires_grad_()},
                {"b", at::ones({4, 6}).requires_grad_()}} {}
  const TensorMap& leaves() const override { return leaves_; }
  MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) override {
    T3_CHECK(step != failing_, "the clip of step {} is damaged", step);
    const at::Tensor x = StepRandom(1, step, micro).Normal(Draw::kNoise, {5, 6}, at::kCPU);
    const at::Tensor y = x.matmul(leaves_.at("a").t()).tanh().matmul(leaves_.at("b").t());
    const at::Tensor loss = (y - x.narrow(1, 0, 4).sin()).square().mean();
    (loss * scale).backward();
    return {loss.detach(), {fmt::format("clip-{}-{}", step, micro)}};
  }
  void SaveModel(const TensorMap& weights, const std::string& folder) const override {
    std::ofstream(folder + "/model") << weights.at("a").sum().item<double>();
  }
  nlohmann::json Identity() const override { return {{"denoiser", "two layers"}}; }

 private:
  int64_t failing_;
  TensorMap leaves_;
};

TrainConfig ConfigOf(const std::string& output, int64_t steps, int64_t accumulation = 6) {
  nlohmann::json document{{"output", output},
                          {"steps", steps},
                          {"seed", 5},
                          {"accumulation", accumulation},
                          {"optimizer", {{"lr", 1e-2}}}};
  JsonFields fields(document, "test.json");
  std::filesystem::create_directories(output);
  return TakeTrainConfig(fields, document);
}

// The losses and the weights after `steps` steps of `ranks` ranks.
struct Trained {
  std::vector<double> losses;
  at::Tensor weights;
};

Trained TrainOn(int64_t ranks, const std::string& output, int64_t steps) {
  const ProgressFn silent;
  Trained result;
  const auto errors = RunRanks(ranks, [&](Team& team) {
    LayersTask task;
    const TrainConfig config = ConfigOf(output, steps);
    const RankLayout layout = ChooseRankLayout(ranks, config.accumulation, {}, 1);
    if (team.rank() != 0) return FollowTraining(task, team, layout, config);
    const RunContext context{silent, nullptr, at::kCPU};
    RankTask shared(task, team, layout, config.accumulation);
    Trainer trainer(config, shared, context);
    trainer.Run();
    for (const LogEntry& entry : trainer.log()) result.losses.push_back(entry.loss);
    result.weights = trainer.weights().at("a").clone();
    Team::Order(team, R"({"do": "end"})").End();
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
  return result;
}

TEST(RankTask, TenStepsAreThoseOfOneProcess) {
  const test::Folder folder;
  const Trained one = TrainOn(1, folder.Path("one"), 10);
  ASSERT_EQ(one.losses.size(), 10u);
  EXPECT_LT(one.losses.back(), one.losses.front());
  for (const int64_t ranks : {2, 3, 4}) {
    const Trained several = TrainOn(ranks, folder.Path(std::to_string(ranks)), 10);
    ASSERT_EQ(several.losses.size(), one.losses.size());
    for (size_t i = 0; i < one.losses.size(); ++i)
      EXPECT_NEAR(several.losses[i], one.losses[i], 1e-6 * one.losses[i]) << ranks << ", " << i;
    EXPECT_TRUE(at::allclose(several.weights, one.weights, 1e-5, 1e-7)) << ranks;
  }
}

TEST(RankTask, ResumesOnAnotherNumberOfRanks) {
  const test::Folder folder;
  const Trained one = TrainOn(1, folder.Path("one"), 10);
  TrainOn(3, folder.Path("some"), 4);
  const Trained rest = TrainOn(2, folder.Path("some"), 10);
  EXPECT_TRUE(at::allclose(rest.weights, one.weights, 1e-5, 1e-7));
}

// The failing rank takes its part of the optimizer's state with it.
TEST(RankTask, AFailureLeavesTheLatestCheckpoint) {
  for (const int64_t failing_rank : {0, 1}) {
    const test::Folder folder;
    const std::string output = folder.Path("run");
    TrainOn(2, output, 3);
    const auto errors = RunRanks(
        2,
        [&](Team& team) {
          LayersTask task(team.rank() == failing_rank ? 5 : -1);
          const TrainConfig config = ConfigOf(output, 10);
          const RankLayout layout = ChooseRankLayout(2, config.accumulation, {}, 1);
          if (team.rank() != 0) return FollowTraining(task, team, layout, config);
          const ProgressFn silent;
          const RunContext context{silent, nullptr, at::kCPU};
          RankTask shared(task, team, layout, config.accumulation);
          Trainer trainer(config, shared, context);
          trainer.Run();
        },
        /*patience=*/3);
    EXPECT_THAT(errors[0], HasSubstr("the clip of step 5 is damaged")) << failing_rank;
    const auto newest = CheckpointFolder(output, 2).Newest();
    ASSERT_TRUE(newest);
    EXPECT_EQ(newest->step, 3);
    const Trained rest = TrainOn(2, output, 10), one = TrainOn(1, folder.Path("one"), 10);
    EXPECT_TRUE(at::allclose(rest.weights, one.weights, 1e-5, 1e-7));
  }
}

}  // namespace
}  // namespace t3
