// Rates of the kinds of times that files have.
#include "media/frame_timing.h"

#include <gmock/gmock.h>

#include <cmath>

#include "media/testing/frames.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

// Frames at `fps`, rounded to a time base, without those for which `drop` holds.
template <typename Drop>
std::vector<double> Times(int64_t count, double fps, double unit, const Drop& drop) {
  std::vector<double> times;
  for (int64_t i = 0; i < count; ++i) {
    if (!drop(i)) times.push_back(std::round(static_cast<double>(i) / fps / unit) * unit);
  }
  return times;
}
constexpr auto kNone = [](int64_t) { return false; };

TEST(FrameTiming, RoundedTimesAreConstant) {
  for (const double fps : {23.976, 24.0, 25.0, 29.97, 30.0, 59.94, 120.0}) {
    const auto times = Times(5000, fps, 1e-3, kNone);
    for (const double nominal : {fps, 0.0, 1000.0}) {
      const FrameTiming timing = TimingOf(times, nominal);
      EXPECT_TRUE(timing.constant) << fps;
      EXPECT_NEAR(timing.fps, fps, 1e-4) << fps;  // 23.976 is 24000/1001
      EXPECT_EQ(FramesAtRate(times, timing, 0, timing.fps), 5000) << fps;
      for (int64_t i = 0; i < 5000; ++i) {
        ASSERT_EQ(NearestFrame(times, static_cast<double>(i) / timing.fps), i) << fps;
      }
    }
  }
}

TEST(FrameTiming, DroppedFramesAreRepeatedAtTheRecordersRate) {
  const auto times = Times(300, 30, 1e-3, [](int64_t i) { return i % 10 == 7; });
  const FrameTiming timing = TimingOf(times, 26.9);
  EXPECT_FALSE(timing.constant);
  EXPECT_EQ(timing.fps, 30);
  EXPECT_NEAR(timing.mean_fps, 27, 0.1);
  EXPECT_EQ(FramesAtRate(times, timing, 0, timing.fps), 300);
  EXPECT_EQ(NearestFrame(times, 7 / 30.0), 6);  // its neighbours are equally near
  EXPECT_EQ(NearestFrame(times, 8 / 30.0), 7);  // index 7 shows 8 / 30 s
}

// A screen recorder that writes a frame when something moves.
TEST(FrameTiming, SparseFramesComeAtTheirMean) {
  std::vector<double> times{0};
  for (int i = 0; i < 40; ++i) {
    for (int k = 0; k < 3; ++k) times.push_back(times.back() + 1 / 60.0);
    times.push_back(times.back() + 1);
  }
  const FrameTiming timing = TimingOf(times, 60);
  EXPECT_FALSE(timing.constant);
  EXPECT_NEAR(timing.fps, 160 / times.back(), 0.01);
  const int64_t frames = FramesAtRate(times, timing, 0, 24);
  EXPECT_NEAR(static_cast<double>(frames) / 24, times.back(), 0.3);  // in step with the sound
}

TEST(FrameTiming, AnotherRateAndAStart) {
  const auto times = Times(100, 25, 1e-3, kNone);
  const FrameTiming timing = TimingOf(times, 25);
  EXPECT_EQ(FramesAtRate(times, timing, 0, 50), 200);
  EXPECT_EQ(FramesAtRate(times, timing, 2, 25), 50);
  EXPECT_EQ(FramesAtRate(times, timing, 3.999, 25), 1);
  EXPECT_THAT(ErrorOf([&] { FramesAtRate(times, timing, 4, 25); }), HasSubstr("ends at 4.00 s"));
  EXPECT_THROW(FramesAtRate(times, timing, -1, 25), Error);
  EXPECT_THROW(FramesAtRate(times, timing, NAN, 25), Error);
}

TEST(FrameTiming, OneFrame) {
  EXPECT_EQ(TimingOf({0}, 0).fps, 24);
  EXPECT_EQ(TimingOf({0}, 30).fps, 30);
  EXPECT_EQ(FramesAtRate({0}, TimingOf({0}, 30), 0, 30), 1);
}

TEST(FrameTiming, RefusesDamage) {
  EXPECT_THAT(ErrorOf([] { TimingOf({}, 24); }), HasSubstr("no frame"));
  EXPECT_THAT(ErrorOf([] { TimingOf({0, 0, 0}, 24); }), HasSubstr("one time"));
  EXPECT_THAT(ErrorOf([] { TimingOf({0, 1e12}, 24); }), HasSubstr("damage"));
  EXPECT_THAT(ErrorOf([] { TimingOf({0, 5000}, 0); }), HasSubstr("0.0002"));
  EXPECT_THAT(ErrorOf([] { TimingOf({0, 1e-6, 2e-6}, 0); }), HasSubstr("1e+06"));
}

}  // namespace
}  // namespace t3
