// Decode plans: rows that fit each other, memory that goes the right way, 4K in 8 GB.
#include "plan/decode_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/presets.h"
#include "t3video/error.h"

namespace t3 {
namespace {

constexpr int64_t kGb = 1'000'000'000;

const VaeConfig& Vae21() { return FindPreset("wan2.1-1.3b").vae; }
const VaeConfig& Vae22() { return FindPreset("wan2.2-5b").vae; }
Grid At4K(const VaeConfig& vae, int64_t frames = 21) {
  return {frames, 2176 / vae.spatial_stride(), 3840 / vae.spatial_stride()};
}

TEST(DecodePlan, RowsOfEverySlabFitTogether) {
  for (const VaeConfig* vae : {&Vae21(), &Vae22()}) {
    for (int64_t slabs : {1, 2, 3, 7, 17}) {
      const DecodePlan plan =
          MakeDecodePlan(*vae, {5, 17, 9}, 2, {DecodeOrder::kSlabsOuter, 1, 0, slabs});
      ASSERT_EQ(std::ssize(plan.slabs), slabs);
      int64_t row = 0;
      for (const PlannedSlab& slab : plan.slabs) {
        EXPECT_EQ(slab.output.begin, row);  // every row once
        row = slab.output.end;
        EXPECT_TRUE((RowRange{0, 17}).Contains(slab.input));
        RowRange rows = slab.input;
        for (const PlannedLevel& level : slab.levels) {
          EXPECT_EQ(level.input, rows);
          for (const RowRange& block : level.blocks) {
            EXPECT_TRUE(rows.Contains(block.Grown(2, level.map.height)));
            rows = block;
          }
          rows = level.output;
        }
        EXPECT_EQ(rows, slab.output);
      }
      EXPECT_EQ(row, 8 * 17);
    }
  }
}

// A pixel depends on 13 latent rows above it: the halo that an inner slab must have.
TEST(DecodePlan, InnerSlabsHaveTheTrueHalo) {
  const DecodePlan plan =
      MakeDecodePlan(Vae21(), {1, 90, 4}, 4, {DecodeOrder::kSlabsOuter, 1, 0, 3});
  EXPECT_EQ(plan.slabs[1].input, (RowRange{30 - 13, 60 + 13}));
}

TEST(DecodePlan, CountsTheCachesOfAWhole4KFrame) {
  // model.md 3: 39.5 GB and 29.8 GB, without the zero rows that are held above and below.
  const auto caches = [](const VaeConfig& vae) {
    const DecodePlan plan = MakeDecodePlan(vae, At4K(vae), 2, {DecodeOrder::kFramesOuter, 1, 0, 1});
    return static_cast<double>(plan.memory.caches) / kGb;
  };
  EXPECT_NEAR(caches(Vae21()), 39.5, 0.3);
  EXPECT_NEAR(caches(Vae22()), 29.8, 0.3);
}

TEST(DecodePlan, FramesComeFirstWhereTheCachesFit) {
  const DecodePlan plan = PlanDecode(Vae21(), At4K(Vae21()), 2, 120 * kGb);
  EXPECT_EQ(plan.order, DecodeOrder::kFramesOuter);
  EXPECT_EQ(plan.latent_frames, 2);
  EXPECT_LE(LargestTensor(plan), kMaxTensorElements);
  EXPECT_LE(std::ssize(plan.slabs), 6);
  EXPECT_EQ(PlanDecode(Vae22(), At4K(Vae22()), 2, 120 * kGb).order, DecodeOrder::kFramesOuter);
}

TEST(DecodePlan, FourKFitsInEightGigabytes) {
  for (const VaeConfig* vae : {&Vae21(), &Vae22()}) {
    // 1.2 GB of the 8 are the GPU's context and the libraries' workspaces.
    const DecodePlan plan = PlanDecode(*vae, At4K(*vae), 2, 8 * kGb - 1'200'000'000);
    EXPECT_EQ(plan.order, DecodeOrder::kSlabsOuter);
    EXPECT_LE(plan.memory.total, 8 * kGb - 1'200'000'000);
    int64_t rows = 0;  // with the halo's, of the last level: nearly all of the work
    for (const PlannedSlab& slab : plan.slabs) rows += slab.levels.back().input.size();
    EXPECT_LT(static_cast<double>(rows) / (8.0 * static_cast<double>(plan.latent.h)), 1.25);
  }
}

TEST(DecodePlan, RelativeWorkCountsHalos) {
  const auto work = [](int64_t rows, DecodeOrder order, int64_t whole_levels, int64_t slabs) {
    return RelativeWork(MakeDecodePlan(Vae21(), {3, rows, 4}, 2, {order, 1, whole_levels, slabs}));
  };
  EXPECT_DOUBLE_EQ(work(36, DecodeOrder::kSlabsOuter, 0, 1), 1);
  EXPECT_DOUBLE_EQ(work(36, DecodeOrder::kFramesOuter, 3, 1), 1);
  // Nearly all of the work is in the levels of 192 and 96 channels, whose halos are a few rows.
  EXPECT_GT(work(36, DecodeOrder::kSlabsOuter, 0, 36), 4);
  EXPECT_LT(work(36, DecodeOrder::kSlabsOuter, 0, 36), 36);
  EXPECT_NEAR(work(272, DecodeOrder::kSlabsOuter, 0, 19), 1.24, 0.01);  // docs/design/decoder.md
  EXPECT_THAT(
      DescribeDecodePlan(
          MakeDecodePlan(Vae21(), {3, 272, 4}, 2, {DecodeOrder::kSlabsOuter, 1, 0, 19})),
      testing::HasSubstr("19 slabs one after the other, each through all frames, 1.24 times"));
}

TEST(DecodePlan, SmallerBudgetsGiveMoreSlabsUntilNoneFits) {
  const Grid grid = At4K(Vae21());
  int64_t last = 0;
  for (int64_t budget : {12 * kGb, 8 * kGb, 6 * kGb}) {
    const DecodePlan plan = PlanDecode(Vae21(), grid, 2, budget);
    EXPECT_LE(plan.memory.total, budget);
    EXPECT_GE(std::ssize(plan.slabs), last);
    last = std::ssize(plan.slabs);
  }
  try {
    PlanDecode(Vae21(), grid, 2, kGb);
    ADD_FAILURE() << "1 GB was enough";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("1.0 GB are left"));
  }
}

TEST(DecodePlan, RefusesInvalidOptions) {
  EXPECT_THROW(MakeDecodePlan(Vae21(), {1, 4, 4}, 2, {DecodeOrder::kSlabsOuter, 1, 0, 5}), Error);
  EXPECT_THROW(MakeDecodePlan(Vae21(), {1, 4, 4}, 2, {DecodeOrder::kSlabsOuter, 1, 1, 1}), Error);
  EXPECT_THROW(MakeDecodePlan(Vae21(), {1, 4, 4}, 2, {DecodeOrder::kFramesOuter, 0, 0, 1}), Error);
}

}  // namespace
}  // namespace t3
