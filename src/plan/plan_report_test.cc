// A report against the numbers that model.md gives for 4K.
#include "plan/plan_report.h"

#include <gtest/gtest.h>

#include "config/presets.h"
#include "t3video/error.h"

namespace t3 {
namespace {

PlannedRun RunOf(AttentionPattern pattern, int64_t width, int64_t height, int64_t frames) {
  const ModelPreset& model = FindPreset("wan2.1-1.3b-t3");
  PlannedRun run;
  run.dit = model.dit;
  run.vae = model.vae;
  run.attention = pattern;
  run.video = PlanVideo(width, height, frames, model.vae);
  run.windows = PlanWindows(run.video.grid, PublishedWindows(ModelFamily::kWan21));
  return run;
}

TEST(PlanReport, MatchesThePublishedTable) {
  const PlanReport report = MakePlanReport(RunOf(AttentionPattern::kT3, 3840, 2176, 81));
  EXPECT_EQ(report.planner_version, kPlannerVersion);
  ASSERT_EQ(report.windows.size(), 5u);
  const int64_t tokens[] = {32640, 1344, 2142, 1680, 2040};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(report.windows[i].smallest_tokens, tokens[i]);
    EXPECT_EQ(report.windows[i].largest_tokens, tokens[i]);
    EXPECT_EQ(report.windows[i].mean_tokens, static_cast<double>(tokens[i]));
    EXPECT_EQ(report.windows[i].layers, 6);
    EXPECT_EQ(report.windows[i].coincide, i == 0);
  }
  EXPECT_NEAR(report.forward.attention / 1e12, 594.5, 0.05);
  EXPECT_NEAR(report.decode_macs / 1e15, 6.29 / 2, 0.02);
  EXPECT_EQ(report.memory.device.size(), 2u);
}

TEST(PlanReport, GivesUnevenWindowsTheirRange) {
  PlannedRun run = RunOf(AttentionPattern::kT3, 832, 480, 81);  // grid 21x30x52
  run.windows = {{2, 4, 5}};
  const WindowSummary windows = MakePlanReport(run).windows.at(0);
  EXPECT_EQ(windows.smallest_tokens, 10 * 7 * 10);
  EXPECT_EQ(windows.largest_tokens, 11 * 8 * 11);
  EXPECT_EQ(windows.mean_tokens, 21.0 * 30 * 52 / 40);
  run.windows = {{22, 1, 1}};
  EXPECT_THROW(MakePlanReport(run), Error);
}

TEST(PlanReport, OfFullAttentionIsOneWindow) {
  PlannedRun run = RunOf(AttentionPattern::kFull, 832, 480, 81);
  run.windows.clear();
  const PlanReport report = MakePlanReport(run);
  ASSERT_EQ(report.windows.size(), 1u);
  EXPECT_EQ(report.windows[0].largest_tokens, 32760);
  EXPECT_EQ(report.windows[0].layers, 30);
  EXPECT_EQ(report.forward.attention, report.forward.full_attention);
}

}  // namespace
}  // namespace t3
