// The flow of textures that move by known amounts.
#include "score/motion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "score/testing/test_clip.h"

namespace t3 {
namespace {

using testing::TestClip;

// 255 levels of a smooth texture, displaced by fractions of a pixel.
Plane Waves(double shift_x, double shift_y) {
  Plane picture(192, 160);
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < picture.width; ++x) {
      const double u = static_cast<double>(x) - shift_x, v = static_cast<double>(y) - shift_y;
      picture.row(y)[x] = static_cast<float>(128 + 40 * std::sin(0.21 * u + 0.05 * v) +
                                             40 * std::sin(0.17 * v - 0.09 * u) +
                                             20 * std::sin(0.011 * u * v / 8 + 0.4 * u));
    }
  }
  return picture;
}

TEST(Motion, FlowFindsFractionsOfAPixel) {
  const Pyramid still = PyramidOf(Waves(0, 0));
  ASSERT_EQ(still.size(), 3U);
  for (const auto& [x, y] :
       std::vector<std::pair<double, double>>{{0.4, -0.3}, {3.6, 2.2}, {-6, 5}}) {
    const FlowPoint point = TrackPoint(still, PyramidOf(Waves(x, y)), 96, 80);
    EXPECT_TRUE(point.textured);
    EXPECT_NEAR(point.x, x, 0.05);
    EXPECT_NEAR(point.y, y, 0.05);
    EXPECT_LT(point.residual, 1);
  }
}

TEST(Motion, AFlatPictureHasNoTexture) {
  const Plane flat(128, 128);
  EXPECT_FALSE(TrackPoint(PyramidOf(flat), PyramidOf(flat), 64, 64).textured);
}

std::map<std::string_view, double> MotionOf(const TestClip& clip, int64_t frames) {
  for (const MetricGroup& group : FrameMetricGroups()) {
    if (group.name != "motion") continue;
    std::map<std::string_view, double> values;
    for (const auto& [name, value] : testing::ScoreTestClip(group, clip, frames))
      values[name] = value;
    return values;
  }
  return {};
}

// (2,1) pixels of 160 rows a frame. Points at the border come into the picture or leave it.
TEST(Motion, UniformMotionIsSmooth) {
  const auto values = MotionOf({.width = 240, .height = 160}, 4);
  EXPECT_NEAR(values.at("motion"), 100 * std::sqrt(5.0) / 160, 0.1);
  EXPECT_GT(values.at("motion_smoothness"), 0.9);
}

TEST(Motion, NoiseIsNotSmoothAndDoesNotWarp) {
  const auto clean = MotionOf({.width = 240, .height = 160}, 4);
  const auto noisy = MotionOf({.width = 240, .height = 160, .noise = 20}, 4);
  EXPECT_GT(noisy.at("warp_error"), clean.at("warp_error") + 3);
  const auto still = MotionOf({.width = 240, .height = 160, .step_x = 0, .step_y = 0}, 3);
  EXPECT_NEAR(still.at("motion"), 0, 1e-6);
  EXPECT_FALSE(still.contains("motion_smoothness"));
  EXPECT_NEAR(still.at("warp_error"), 0, 1e-6);
}

}  // namespace
}  // namespace t3
