// Video sizes: valid ones as they are, others at the next valid size, impossible ones refused.
#include "plan/geometry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/presets.h"
#include "t3video/error.h"

namespace t3 {
namespace {

using testing::HasSubstr;

const VaeConfig& Wan21Vae() { return FindPreset("wan2.1-1.3b").vae; }
const VaeConfig& Wan22Vae() { return FindPreset("wan2.2-5b").vae; }

std::string UsageError(int64_t width, int64_t height, int64_t frames) {
  try {
    PlanVideo(width, height, frames, Wan21Vae());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Geometry, PublishedSizesGiveThePublishedGrids) {
  const VideoGeometry wan21 = PlanVideo(3840, 2176, 81, Wan21Vae());
  EXPECT_EQ(wan21.grid, PublishedWindows(ModelFamily::kWan21).grid);
  EXPECT_EQ(wan21.latent, (Grid{21, 272, 480}));
  EXPECT_EQ(wan21.padded_width, 3840);
  EXPECT_EQ(wan21.crop_x + wan21.crop_y, 0);
  EXPECT_EQ(PlanVideo(3840, 2176, 81, Wan22Vae()).grid, PublishedWindows(ModelFamily::kWan22).grid);
}

TEST(Geometry, RoundsUpOtherSizesAndCropsCentrally) {
  const VideoGeometry uhd = PlanVideo(3840, 2160, 81, Wan22Vae());
  EXPECT_EQ(uhd.height, 2160);
  EXPECT_EQ(uhd.padded_height, 2176);
  EXPECT_EQ(uhd.crop_y, 8);
  EXPECT_EQ(uhd.crop_x, 0);
  const VideoGeometry odd = PlanVideo(1000, 701, 5, Wan21Vae());
  EXPECT_EQ(odd.padded_width, 1008);
  EXPECT_EQ(odd.crop_x, 4);
  EXPECT_EQ(odd.padded_height, 704);
  EXPECT_EQ(odd.crop_y, 1);
}

TEST(Geometry, UsesTheSmallestSupportedSize) {
  for (const VaeConfig& vae : {Wan21Vae(), Wan22Vae()}) {
    const int64_t multiple = 2 * vae.spatial_stride();
    for (int64_t size = 1; size < 200; ++size) {
      const VideoGeometry video = PlanVideo(size, 300 - size, 4 * (size % 41) + 1, vae);
      ASSERT_EQ(video.padded_width, multiple * video.grid.w);
      ASSERT_EQ(video.padded_height, vae.spatial_stride() * video.latent.h);
      ASSERT_GE(video.padded_width, size);
      ASSERT_LT(video.padded_width - size, multiple);
      ASSERT_GE(video.crop_y, 0);
      ASSERT_LE(video.crop_y + video.height, video.padded_height);
      ASSERT_EQ(video.frames, 4 * (video.latent.t - 1) + 1);
    }
  }
}

TEST(Geometry, RefusesUnsupportedRequests) {
  EXPECT_THAT(UsageError(640, 480, 80), HasSubstr("77 and 81"));
  EXPECT_THAT(UsageError(640, 480, 82), HasSubstr("81 and 85"));
  EXPECT_THAT(UsageError(640, 480, 2), HasSubstr("1 and 5"));
  EXPECT_THAT(UsageError(640, 480, 0), HasSubstr("the minimum is 1"));
  EXPECT_THAT(UsageError(640, 480, -3), HasSubstr("the minimum is 1"));
  EXPECT_THAT(UsageError(640, 480, 4097), HasSubstr("positions for 4093"));
  EXPECT_THAT(UsageError(0, 480, 81), HasSubstr("0 pixels wide"));
  EXPECT_THAT(UsageError(640, -1, 81), HasSubstr("-1 pixels high"));
  EXPECT_THAT(UsageError(16400, 480, 81), HasSubstr("positions for 16384"));
  EXPECT_EQ(PlanVideo(16384, 1, 4093, Wan21Vae()).grid, (Grid{1024, 1, 1024}));
}

TEST(Geometry, WholeVideoTakesLatentsAsTheyAre) {
  const VideoGeometry video = WholeVideo({3, 9, 16}, Wan21Vae());
  EXPECT_EQ(video.width, 128);
  EXPECT_EQ(video.height, 72);
  EXPECT_EQ(video.padded_height, 72);
  EXPECT_EQ(video.frames, 9);
  EXPECT_THROW(WholeVideo({0, 8, 8}, Wan21Vae()), Error);
}

TEST(Geometry, WindowedVideosUseASlightlyLargerTrainedGrid) {
  const VaeConfig vae = FindPreset("wan2.1-1.3b").vae;
  const Grid trained{21, 136, 240};
  const VideoGeometry uhd = PlanWindowedVideo(3840, 2160, 81, vae, trained);
  EXPECT_EQ(uhd.grid, trained);
  EXPECT_EQ(uhd.padded_height, 2176);
  EXPECT_EQ(uhd.height, 2160);
  EXPECT_EQ(uhd.crop_y, 8);
  EXPECT_EQ(PlanWindowedVideo(2160, 3840, 81, vae, trained).grid, (Grid{21, 240, 136}));
  EXPECT_EQ(PlanWindowedVideo(3840, 2160, 77, vae, trained).padded_height, 2160);
  EXPECT_EQ(PlanWindowedVideo(3840, 2144, 81, vae, trained).padded_height, 2144);
  EXPECT_EQ(PlanVideo(3840, 2160, 81, vae).padded_height, 2160);
}

}  // namespace
}  // namespace t3
