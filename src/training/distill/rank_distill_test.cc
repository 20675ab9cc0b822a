// Distillations that ranks share are those of one process: student, critic and average.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "parallel/testing/thread_ranks.h"
#include "training/distill/testing/mini_distill.h"
#include "training/loop/rank_task.h"
#include "training/loop/trainer.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

using testing::Each;
using testing::IsEmpty;

std::vector<LogEntry> DistillOn(int64_t ranks, const std::string& output, nlohmann::json more,
                                int64_t steps) {
  more["steps"] = steps;
  more["accumulation"] = 3;
  const DistillConfig config = MiniDistillConfig(output, more);
  std::filesystem::create_directories(output);
  const RankLayout layout = ChooseRankLayout(ranks, config.accumulation, {}, 1);
  std::vector<LogEntry> log;
  const auto errors = RunRanks(ranks, [&](Team& team) {
    const auto task = MiniDistill(config);
    if (team.rank() != 0) return FollowTraining(*task, team, layout, config);
    RankTask shared(*task, team, layout, config.accumulation);
    Trainer trainer(config, shared, CpuContext());
    trainer.Run();
    log = trainer.log();
    Team::Order(team, R"({"do": "end"})").End();
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
  return log;
}

void ExpectClose(const std::vector<LogEntry>& several, const std::vector<LogEntry>& one) {
  ASSERT_EQ(several.size(), one.size());
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_NEAR(several[i].loss, one[i].loss, 1e-5 * one[i].loss) << "step " << i;
    ASSERT_EQ(several[i].values.size(), one[i].values.size());
    for (const auto& [name, value] : one[i].values)
      EXPECT_NEAR(several[i].values.at(name), value, 1e-4 * value) << name << " of step " << i;
  }
}

class RankDistillation : public testing::TestWithParam<nlohmann::json> {};

TEST_P(RankDistillation, IsThatOfOneProcess) {
  const test::Folder folder;
  const auto one = DistillOn(1, folder.Path("one"), GetParam(), 3);
  DistillOn(3, folder.Path("some"), GetParam(), 1);
  ExpectClose(DistillOn(2, folder.Path("some"), GetParam(), 3), one);
}

INSTANTIATE_TEST_SUITE_P(
    Objectives, RankDistillation,
    testing::Values(nlohmann::json{{"critic", {{"updates", 2}, {"toward_student", 0.1}}},
                                   {"diversity",
                                    {{"weight", 0.1}, {"anchor_step", 2}, {"teacher_steps", 4}}}},
                    nlohmann::json{{"lora", {{"rank", 2}}}, {"critic", {{"updates", 1}}}},
                    nlohmann::json{{"objective", "consistency"}},
                    nlohmann::json{{"objective", "guidance"}, {"ema", 0.9}}),
    [](const auto& parameter) { return "Case" + std::to_string(parameter.index); });

}  // namespace
}  // namespace t3
