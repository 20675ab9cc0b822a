// A build without FFmpeg says so.
#include <gmock/gmock.h>

#include "media/image.h"
#include "media/testing/frames.h"
#include "media/video_reader.h"
#include "media/video_writer.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

TEST(NoFfmpeg, SaysSo) {
  const TestFolder folder;
  VideoSettings settings;
  settings.width = settings.height = 8;
  EXPECT_THAT(ErrorOf([&] { CheckVideoTarget(folder / "v.mp4", settings); }),
              HasSubstr("no FFmpeg"));
  EXPECT_THAT(ErrorOf([&] { ReadImage(MediaData("turned.jpg")); }), HasSubstr("no FFmpeg"));
  EXPECT_THAT(ErrorOf([&] { VideoReader::Open(MediaData("turned.jpg")); }), HasSubstr("no FFmpeg"));
}

}  // namespace
}  // namespace t3
