// Lines across a picture that should stand out, and textures that should not.
#include "score/grid.h"

#include <gtest/gtest.h>

#include "score/testing/test_clip.h"

namespace t3 {
namespace {

// The texture with a step of `levels` at every border (x + 1) % period == 0, or at `line` alone.
MetricValues GridOf(int64_t period, int64_t line, float levels) {
  constexpr testing::TestClip kGridClip{.width = 192, .height = 160};
  const std::vector<float> rgb = kGridClip.Frame(0);
  std::vector<float> luma = testing::LumaOfFrame(rgb);
  for (int64_t y = 0; y < kGridClip.height; ++y) {
    for (int64_t x = 0; x < kGridClip.width; ++x) {
      const bool raised = period > 0 ? x / period % 2 == 1 : x > line;
      if (raised) luma[static_cast<size_t>(y * kGridClip.width + x)] += levels;
    }
  }
  GridOfClip grid({.width = kGridClip.width, .height = kGridClip.height, .frames = 1, .fps = 16});
  grid.Add({.index = 0,
            .width = kGridClip.width,
            .height = kGridClip.height,
            .rgb = rgb.data(),
            .luma = luma.data()});
  return grid.Finish();
}

TEST(Grid, ATextureHasNone) {
  for (const auto& [name, value] : GridOf(0, 1000, 0)) {
    EXPECT_GT(value, 0.7) << name;
    EXPECT_LT(value, name == "seam" ? 2.5 : 1.3) << name;
  }
}

TEST(Grid, EachPeriodStandsOut) {
  const MetricValues eight = GridOf(8, 0, 30), sixteen = GridOf(16, 0, 30), all = GridOf(32, 0, 30);
  EXPECT_GT(eight[0].second, 1.5);
  EXPECT_GT(sixteen[1].second, 1.5);
  EXPECT_GT(all[2].second, 1.5);
  EXPECT_LT(eight[2].second, all[2].second);
}

TEST(Grid, OneSeamStandsOut) { EXPECT_GT(GridOf(0, 91, 40)[3].second, 3.5); }

TEST(Grid, ProfilesByHand) {
  std::vector<double> profile(63, 1.0);
  for (size_t i = 7; i < profile.size(); i += 8) profile[i] = 3;
  EXPECT_NEAR(GridRatio(profile, 8), 3, 3e-3);
  EXPECT_NEAR(SeamRatio(profile), 3, 3e-3);
  EXPECT_DOUBLE_EQ(GridRatio(std::vector<double>(63), 8), 1);
}

}  // namespace
}  // namespace t3
