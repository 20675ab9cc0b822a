// Frozen, black and alternating frames by hand.
#include "score/temporal.h"

#include <gtest/gtest.h>

#include <map>

namespace t3 {
namespace {

constexpr int64_t kWidth = 64, kHeight = 36;

// Frames of one brightness each, 0 to 255.
template <typename OneClip>
std::map<std::string_view, double> ScoreLevels(const std::vector<float>& levels) {
  OneClip clip({.width = kWidth, .height = kHeight, .frames = std::ssize(levels), .fps = 16});
  int64_t index = 0;
  for (const float level : levels) {
    const std::vector<float> luma(kWidth * kHeight, level),
        rgb(3 * luma.size(), level / 127.5F - 1);
    clip.Add({.index = index++,
              .width = kWidth,
              .height = kHeight,
              .rgb = rgb.data(),
              .luma = luma.data()});
  }
  std::map<std::string_view, double> values;
  for (const auto& [name, value] : clip.Finish()) values[name] = value;
  return values;
}

TEST(Temporal, FrozenAndBlackAreShares) {
  const auto values = ScoreLevels<FrozenBlack>({100, 100, 100.2F, 110, 10});
  EXPECT_DOUBLE_EQ(values.at("frozen"), 0.5);
  EXPECT_DOUBLE_EQ(values.at("black"), 0.2);
  EXPECT_FALSE(ScoreLevels<FrozenBlack>({100}).contains("frozen"));
}

TEST(Temporal, FlickerIsTheSecondDifference) {
  EXPECT_NEAR(ScoreLevels<FlickerOfClip>({10, 20, 30, 40}).at("flicker"), 0, 1e-6);
  EXPECT_NEAR(ScoreLevels<FlickerOfClip>({10, 20, 10, 20}).at("flicker"), 20, 1e-5);
}

TEST(Temporal, OneFrameHasNoTemporalInformation) {
  const auto values = ScoreLevels<SpatialTemporal>({100});
  EXPECT_DOUBLE_EQ(values.at("si"), 0);
  EXPECT_FALSE(values.contains("ti"));
}

}  // namespace
}  // namespace t3
