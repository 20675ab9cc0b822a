// TAEHV's plans: bands that cover the frame, memory that goes the right way, 4K.
#include "plan/taehv_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "t3video/error.h"

namespace t3 {
namespace {

constexpr int64_t kGigabyte = 1'000'000'000;
constexpr Grid k4K{21, 272, 480};

TEST(TaehvPlan, StagesDoubleRowsColumnsAndFrames) {
  const auto stages = TaehvStagesOf({}, {3, 5, 7}, 2);
  EXPECT_EQ(stages[0].Input(), (MapShape{3, 5, 7, 256}));
  EXPECT_EQ(stages[1].Output(), (MapShape{2, 10, 14, 128}));
  EXPECT_EQ(stages[2].Output(), (MapShape{4, 20, 28, 64}));
  EXPECT_EQ(stages[2].frames_out(), 8);
}

// Every row of the doubled map that a band reads comes from rows whose neighbours are in the
// source.
TEST(TaehvPlan, BandsReadWhatTheyNeed) {
  const TaehvConfig config;
  const TaehvStageShapes last = TaehvStagesOf(config, {1, 5, 3}, 1).back();
  for (int64_t begin = 0; begin < 40; ++begin) {
    for (int64_t end = begin + 1; end <= 40; ++end) {
      const TaehvTailShapes tail = TaehvTailOf(config, last, {begin, end});
      for (int64_t row = tail.up.output.begin; row < tail.up.output.end; ++row) {
        EXPECT_TRUE(tail.up.source.Contains(RowRange{row / 2, row / 2 + 1}.Grown(1, 20)));
      }
      EXPECT_TRUE(tail.up.output.Contains(tail.output.Grown(1, 40)));
    }
  }
}

TEST(TaehvPlan, MoreMemoryGivesMoreFramesPerPass) {
  int64_t last = 0;
  for (int64_t budget : {5 * kGigabyte, 7 * kGigabyte, 12 * kGigabyte, 100 * kGigabyte}) {
    const TaehvPlan plan = PlanTaehv({}, k4K, 2, budget);
    EXPECT_LE(plan.memory.total, budget);
    EXPECT_LE(LargestTensor({}, plan), kMaxTensorElements);
    EXPECT_GE(plan.latent_frames, last);
    last = plan.latent_frames;
  }
  EXPECT_EQ(last, 4);  // 8 would be a tensor of more than 2^31 elements
  EXPECT_EQ(PlanTaehv({}, {2, 36, 64}, 2, 100 * kGigabyte).latent_frames, 2);
  EXPECT_EQ(PlanTaehv({}, {21, 36, 64}, 2, 100 * kGigabyte).latent_frames, 8);
}

TEST(TaehvPlan, OneLatentFrameOf4KInFiveGigabytes) {
  const TaehvPlan plan = MakeTaehvPlan({}, k4K, 2, 1);
  // Three blocks in each stage keep a frame: 64 channels at half the frame's size, 128 at a
  // quarter, 256 at an eighth.
  EXPECT_EQ(plan.memory.caches, int64_t{3} * 272 * 480 * (256 + 4 * 128 + 16 * 64) * 2);
  EXPECT_LT(plan.memory.total, 5 * kGigabyte);
  EXPECT_LT(plan.band_rows, 2176);
}

TEST(TaehvPlan, HigherBandsTakeMore) {
  const auto bytes = [](int64_t rows) { return MakeTaehvPlan({}, k4K, 2, 1, rows).memory.total; };
  EXPECT_GT(bytes(2176), bytes(500));
  EXPECT_EQ(MakeTaehvPlan({}, k4K, 2, 4).band_rows, 2176);
}

TEST(TaehvPlan, RefusesWhatDoesNotFit) {
  try {
    PlanTaehv({}, k4K, 2, kGigabyte);
    ADD_FAILURE() << "1 GB was enough";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("1.0 GB are left"));
  }
  EXPECT_THROW(MakeTaehvPlan({}, k4K, 2, 0), Error);
  EXPECT_THROW(MakeTaehvPlan({}, k4K, 2, 1, 2177), Error);
  EXPECT_THAT(DescribeTaehvPlan(MakeTaehvPlan({}, k4K, 2, 4)),
              "whole frames, 4 latent frames per pass");
}

}  // namespace
}  // namespace t3
