// Choosing sizes, frames and positions in time.
#include "training/data/clip_plan.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "media/testing/frames.h"

namespace t3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ClipSettings Settings() {
  return {.buckets = {{96, 64, 5}, {96, 64, 17}, {64, 96, 17}, {192, 128, 5}}, .fps = 10};
}

std::vector<double> Times(int64_t frames, double fps) {
  std::vector<double> times;
  for (int64_t i = 0; i < frames; ++i) times.push_back(static_cast<double>(i) / fps);
  return times;
}

std::string Choice(int64_t width, int64_t height, int64_t frames, bool image = false) {
  return ClipSizeText(ChooseClipSize(Settings(), width, height, frames, image));
}

TEST(ChooseClipSizeTest, TakesTheBestFit) {
  EXPECT_EQ(Choice(96, 64, 17), "96x64x17");      // frames
  EXPECT_EQ(Choice(96, 64, 16), "96x64x5");       // fewer frames than 17
  EXPECT_EQ(Choice(400, 300, 100), "192x128x5");  // pixels before frames
  EXPECT_EQ(Choice(300, 400, 17), "64x96x17");    // upright
  EXPECT_EQ(Choice(191, 127, 17), "96x64x17");    // nothing is enlarged
  EXPECT_EQ(Choice(300, 400, 1, true), "64x96x1");
  EXPECT_EQ(Choice(400, 300, 1, true), "192x128x1");
}

TEST(ChooseClipSizeTest, SaysWhatIsMissing) {
  EXPECT_THAT(ErrorOf([] { Choice(95, 64, 17); }), HasSubstr("too small: 95x64"));
  EXPECT_THAT(ErrorOf([] { Choice(96, 64, 4); }),
              HasSubstr("too short: 4 frames at 10 a second, wanted 5"));
  EXPECT_THAT(ErrorOf([] { Choice(64, 96, 16); }), HasSubstr("wanted 17"));
  ClipSettings enlarging = Settings();
  enlarging.max_upscale = 1.5;
  EXPECT_EQ(ClipSizeText(ChooseClipSize(enlarging, 64, 43, 5, false)), "96x64x5");
  EXPECT_THAT(ErrorOf([&] { ChooseClipSize(enlarging, 63, 43, 5, false); }),
              HasSubstr("too small"));
}

TEST(PlanClipsTest, TakesTheNearestFrameInTime) {
  ClipSettings settings{.buckets = {{16, 16, 5}}, .fps = 10};
  // 25 a second for 10: every 2.5th; of 12 frames 0.44 s, so 5 at 10 a second.
  EXPECT_THAT(PlanClips(settings, 16, 16, Times(12, 25))[0].frames, ElementsAre(0, 2, 5, 7, 10));
  EXPECT_THAT(PlanClips(settings, 16, 16, Times(5, 10))[0].frames, ElementsAre(0, 1, 2, 3, 4));
  // Frames at uneven times.
  EXPECT_THAT(PlanClips(settings, 16, 16, {0, .02, .04, .12, .19, .31, .33, .41})[0].frames,
              ElementsAre(0, 3, 4, 5, 7));
}

TEST(PlanClipsTest, SpreadsClipsWithoutOverlap) {
  ClipSettings settings{.buckets = {{16, 16, 5}}, .fps = 10, .clips_per_video = 3};
  const auto clips = PlanClips(settings, 16, 16, Times(33, 10));
  ASSERT_EQ(clips.size(), 3u);
  EXPECT_THAT(clips[0].frames, ElementsAre(3, 4, 5, 6, 7));
  EXPECT_THAT(clips[2].frames, ElementsAre(25, 26, 27, 28, 29));
  EXPECT_DOUBLE_EQ(clips[2].start, 2.5);
  EXPECT_EQ(PlanClips(settings, 16, 16, Times(14, 10)).size(), 2u);  // no more than fit
}

TEST(PlanClipsTest, RefusesSlowVideos) {
  const ClipSettings settings{.buckets = {{16, 16, 5}}, .fps = 24};
  EXPECT_THAT(ErrorOf([&] { PlanClips(settings, 16, 16, Times(50, 12)); }),
              HasSubstr("12 frames a second"));
  EXPECT_NO_THROW(PlanClips(settings, 16, 16, Times(50, 23.976)));
  EXPECT_THAT(ErrorOf([&] { PlanClips(settings, 16, 16, {}); }), HasSubstr("no frame"));
}

// A recorder that drops one frame in eight does not make the video too slow; its neighbours repeat.
TEST(PlanClipsTest, DroppedFramesAreRepeated) {
  const ClipSettings settings{.buckets = {{16, 16, 21}}, .fps = 10};
  std::vector<double> times;
  for (int i = 0; i < 24; ++i) {
    if (i % 8 != 5) times.push_back(i / 10.0);
  }
  const std::vector<Clip> clips = PlanClips(settings, 16, 16, times);
  ASSERT_EQ(clips.size(), 1u);
  std::set<int64_t> distinct(clips[0].frames.begin(), clips[0].frames.end());
  EXPECT_GE(distinct.size(), 18u);
  EXPECT_LT(distinct.size(), 21u);
  // A third is too many.
  std::erase_if(times, [](double time) { return std::lround(time * 10) % 4 == 2; });
  EXPECT_THROW(PlanClips(settings, 16, 16, times), Error);
}

}  // namespace
}  // namespace t3
