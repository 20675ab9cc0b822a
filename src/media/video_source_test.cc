// Sources that need no FFmpeg, and what is refused.
#include "media/video_source.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "media/testing/frames.h"
#include "media/video_writer.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kWidth = 40, kHeight = 24;

void WriteWaves(const std::string& path, int count, double fps) {
  VideoSettings settings;
  settings.width = kWidth, settings.height = kHeight, settings.fps = fps;
  if (path.ends_with(".y4m")) settings.pixel_format = "yuv444p12";
  const auto writer = OpenVideoWriter(path, settings);
  for (int i = 0; i < count; ++i) writer->Write(WaveFrame(kWidth, kHeight, 0.3 * i).view());
  writer->Finish();
}

std::vector<std::vector<float>> AllFrames(VideoSource& source, int64_t width, int64_t height) {
  std::vector<std::vector<float>> frames;
  std::vector<float> frame(static_cast<size_t>(3 * width * height));
  while (source.Next(frame.data())) frames.push_back(frame);
  return frames;
}

TEST(VideoSource, GivesEveryFrameAsItIs) {
  const TestFolder folder;
  for (const char* name : {"v.y4m", "frames/"}) {
    WriteWaves(folder / name, 9, 29.97);
    SourceOptions options;
    options.fps = 29.97;
    VideoSource source(folder / name, options);
    EXPECT_EQ(source.info().width, kWidth);
    EXPECT_EQ(source.info().height, kHeight);
    EXPECT_NEAR(source.info().fps, 30000.0 / 1001, 1e-9);
    EXPECT_EQ(source.info().frames, 9);
    EXPECT_FALSE(source.info().has_audio);
    EXPECT_THAT(source.info().notes, IsEmpty());
    const auto frames = AllFrames(source, kWidth, kHeight);
    ASSERT_EQ(frames.size(), 9u);
    for (int i = 0; i < 9; ++i) {
      EXPECT_LT(LargestDifference(frames[i], WaveFrame(kWidth, kHeight, 0.3 * i).samples), 0.01);
    }
    source.SeekTo(4);
    std::vector<float> again(frames[4].size());
    ASSERT_TRUE(source.Next(again.data()));
    EXPECT_EQ(again, frames[4]);
  }
}

TEST(VideoSource, PicturesComeAtTwentyFourUnlessSaid) {
  const TestFolder folder;
  WriteWaves(folder / "frames/", 3, 24);
  const VideoSource source(folder / "frames/", {});
  EXPECT_EQ(source.info().fps, 24);
  EXPECT_THAT(source.info().notes, testing::ElementsAre(HasSubstr("no frame rate; 24")));
}

TEST(VideoSource, APictureIsOneFrame) {
  VideoSource source(MediaData("noise_37x29.png"), {});
  EXPECT_EQ(source.info().frames, 1);
  EXPECT_EQ(AllFrames(source, 37, 29).size(), 1u);
}

TEST(VideoSource, ResizesAndCrops) {
  const TestFolder folder;
  WriteWaves(folder / "v.y4m", 2, 24);
  SourceOptions options;
  options.width = 80, options.height = 24;
  VideoSource source(folder / "v.y4m", options);
  EXPECT_THAT(source.info().notes, testing::ElementsAre(HasSubstr("50 % of the height")));
  const auto frames = AllFrames(source, 80, 24);
  ASSERT_EQ(frames.size(), 2u);
  // The middle half of the height, twice as large.
  const TestFrame wave = WaveFrame(kWidth, kHeight, 0.3);
  EXPECT_NEAR(frames[1][12 * 80 + 40],
              (wave.samples[12 * 40 + 19] + wave.samples[12 * 40 + 20]) / 2, 0.02);
}

TEST(VideoSource, ChangesTheRateByTime) {
  const TestFolder folder;
  WriteWaves(folder / "v.y4m", 10, 10);
  SourceOptions options;
  options.fps = 25, options.start = 0.2, options.max_frames = 6;
  VideoSource source(folder / "v.y4m", options);
  EXPECT_EQ(source.info().frames, 6);
  EXPECT_THAT(source.info().notes, testing::ElementsAre(HasSubstr("10 frames a second become 25")));
  const auto frames = AllFrames(source, kWidth, kHeight);
  constexpr int kShown[] = {2, 2, 3, 3, 4, 4};  // at .2, .24, .28, .32, .36, .4 s
  for (int i = 0; i < 6; ++i) {
    EXPECT_LT(LargestDifference(frames[i], WaveFrame(kWidth, kHeight, 0.3 * kShown[i]).samples),
              0.01)
        << i;
  }
  options.max_frames = 0;
  EXPECT_EQ(VideoSource(folder / "v.y4m", options).info().frames, 20);
}

TEST(VideoSource, RefusesBeforeWork) {
  const TestFolder folder;
  const auto refuse = [&](const std::string& name, const SourceOptions& options = {}) {
    return ErrorOf([&] { VideoSource(folder / name, options); });
  };
  EXPECT_THAT(refuse("absent.mp4"), HasSubstr("no such file"));
  ASSERT_EQ(::mkfifo((folder / "pipe.mp4").c_str(), 0600), 0);
  EXPECT_THAT(refuse("pipe.mp4"), HasSubstr("pipe"));
  EXPECT_THAT(refuse(""), HasSubstr("no .png"));
  WriteBytes(folder / "empty.y4m", "YUV4MPEG2 W2 H2 F24:1 C420mpeg2\n");
  EXPECT_THAT(refuse("empty.y4m"), HasSubstr("empty.y4m: it holds no frame"));
  WriteWaves(folder / "v.y4m", 3, 24);
  const std::string whole = FileBytes(folder / "v.y4m");
  WriteBytes(folder / "cut.y4m", whole.substr(0, whole.size() - 100));
  EXPECT_THAT(refuse("cut.y4m"), HasSubstr("cut short"));
  SourceOptions late;
  late.start = 0.2;
  EXPECT_THAT(refuse("v.y4m", late), HasSubstr("ends at 0.12 s"));
  SourceOptions fast;
  fast.fps = 1e9;
  EXPECT_THAT(refuse("v.y4m", fast), HasSubstr("fps"));
}

}  // namespace
}  // namespace t3
