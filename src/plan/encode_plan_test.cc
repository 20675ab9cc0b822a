// Encode plans: rows that fit each other, 4K within 16 GB.
#include "plan/encode_plan.h"

#include <gtest/gtest.h>

#include "config/presets.h"
#include "t3video/error.h"

namespace t3 {
namespace {

TEST(EncodePlan, RowsOfEverySlabFitTogether) {
  for (const char* preset : {"wan2.1-1.3b", "wan2.2-5b"}) {
    const VaeConfig& vae = FindPreset(preset).vae;
    for (int64_t slabs : {1, 2, 5, 17}) {
      int64_t row = 0;
      for (const EncoderSlab& slab : MakeEncodePlan(vae, {3, 17, 9}, 4, slabs, 1).slabs) {
        EXPECT_EQ(slab.output.begin, row);
        row = slab.output.end;
        EXPECT_TRUE(slab.pixels.Contains(slab.levels.front().input));
        for (size_t i = 0; i + 1 < slab.levels.size(); ++i) {
          EXPECT_EQ(slab.levels[i].output, slab.levels[i + 1].input);
        }
        EXPECT_EQ(slab.levels.back().output, slab.output);
      }
      EXPECT_EQ(row, 17);
    }
  }
}

TEST(EncodePlan, FourKInFp32FitsInSixteenGigabytes) {
  for (const char* preset : {"wan2.1-1.3b", "wan2.2-5b"}) {
    const VaeConfig& vae = FindPreset(preset).vae;
    const Grid grid{21, 2176 / vae.spatial_stride(), 3840 / vae.spatial_stride()};
    const int64_t budget = 16'000'000'000 - 1'200'000'000;  // less context and libraries
    const EncodePlan plan = PlanEncode(vae, grid, 4, budget);
    EXPECT_LE(plan.memory.total, budget);
    EXPECT_GT(plan.memory.total, plan.memory.buffered);
    EXPECT_THROW(PlanEncode(vae, grid, 4, 2'000'000'000), Error);
    // What the first level computes, of the frame's rows: less than twice.
    int64_t rows = 0;
    for (const EncoderSlab& slab : plan.slabs) rows += slab.levels.front().input.size();
    EXPECT_LT(rows, 2 * 2176 / vae.patch()) << plan.slabs.size() << " slabs";
  }
}

TEST(EncodePlan, FramesOneByOneLeaveRoomForFewerSlabs) {
  const VaeConfig& vae = FindPreset("wan2.1-1.3b").vae;
  const Grid grid{21, 272, 480};
  const EncodePlan one_by_one = PlanEncode(vae, grid, 4, 14'000'000'000);
  EXPECT_EQ(one_by_one.slabs.front().levels.front().map.frames, 1);
  const auto slabs = static_cast<int64_t>(one_by_one.slabs.size());
  EXPECT_GT(MakeEncodePlan(vae, grid, 4, slabs).memory.total, 14'000'000'000);
}

}  // namespace
}  // namespace t3
