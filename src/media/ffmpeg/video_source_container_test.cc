// Sources as people have them: variable rates, turned phones, sound from before the picture,
// damage.
#include <gmock/gmock.h>

#include "media/ffmpeg/testing/made_file.h"
#include "media/testing/frames.h"
#include "media/video_source.h"
#include "media/video_writer.h"

namespace t3 {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Which frame of a made file each frame of the source is.
std::vector<int> Shown(const std::string& path, const SourceOptions& options = {}) {
  VideoSource source(path, options);
  const SourceInfo& info = source.info();
  const int64_t width = options.width > 0 ? options.width : info.width;
  const int64_t height = options.height > 0 ? options.height : info.height;
  std::vector<float> rgb(static_cast<size_t>(3 * width * height));
  std::vector<int> shown;
  while (source.Next(rgb.data())) shown.push_back(IndexOfGrey(rgb[rgb.size() / 2]));
  EXPECT_EQ(std::ssize(shown), info.frames);
  return shown;
}

std::string RefusalOf(const std::string& path) {
  return ErrorOf([&] { VideoSource(path, {}); });
}

TEST(VideoSourceOfContainer, VariableRateBecomesConstant) {
  const TestFolder folder;
  MadeVideo video;  // 20 a second, with gaps and a frame that is late
  video.milliseconds = {100, 150, 200, 300, 350, 410, 450, 500, 550, 600};
  for (const char* name : {"v.mp4", "v.mkv", "v.mov"}) {
    MakeFile(folder / name, video);
    const VideoSource source(folder / name, {});
    EXPECT_EQ(source.info().fps, 20) << name;
    EXPECT_THAT(source.info().notes, ElementsAre(HasSubstr("varies"))) << name;
    // At 0, 50, 100, ... ms after the first.
    EXPECT_THAT(Shown(folder / name), ElementsAre(0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9)) << name;
    SourceOptions half;
    half.fps = 10, half.start = 0.1, half.max_frames = 4;
    EXPECT_THAT(Shown(folder / name, half), ElementsAre(2, 3, 5, 7)) << name;
  }
}

TEST(VideoSourceOfContainer, ConstantRatesStayThemselves) {
  const TestFolder folder;
  for (const double fps : {23.976, 25.0, 29.97, 59.94}) {
    MadeVideo video;
    video.milliseconds = EvenMilliseconds(16, fps, 40);
    for (const char* name : {"v.mp4", "v.mkv"}) {
      MakeFile(folder / name, video);
      const VideoSource source(folder / name, {});
      EXPECT_NEAR(source.info().fps, fps, 1)
          << name;  // 16 times in milliseconds, and a last one of 40
      EXPECT_THAT(source.info().notes, IsEmpty()) << name << fps;
      std::vector<int> all(16);
      for (int i = 0; i < 16; ++i) all[static_cast<size_t>(i)] = i;
      EXPECT_EQ(Shown(folder / name), all) << name << fps;
    }
  }
}

TEST(VideoSourceOfContainer, IsTurnedAsPhonesHoldIt) {
  const TestFolder folder;
  MadeVideo video;
  video.milliseconds = EvenMilliseconds(2, 25);
  video.picture = [](int) {  // bright at the left
    TestFrame frame = FlatFrame(64, 48, -.5f, -.5f, -.5f);
    for (int64_t i = 0; i < std::ssize(frame.samples); ++i) {
      if (i % 64 < 32) frame.samples[static_cast<size_t>(i)] = .5f;
    }
    return frame;
  };
  video.rotation = 90;  // clockwise: left becomes top
  MakeFile(folder / "v.mp4", video);
  VideoSource source(folder / "v.mp4", {});
  EXPECT_EQ(source.info().width, 48);
  EXPECT_EQ(source.info().height, 64);
  std::vector<float> rgb(3 * 64 * 48);
  ASSERT_TRUE(source.Next(rgb.data()));
  EXPECT_NEAR(rgb[10 * 48 + 24], .5f, 0.1);
  EXPECT_NEAR(rgb[54 * 48 + 24], -.5f, 0.1);
}

TEST(VideoSourceOfContainer, PixelsAreMadeSquareInOneStep) {
  SourceOptions options;
  options.width = 96, options.height = 32;
  VideoSource source(MediaData("wide_pixels.mp4"), options);  // 96x64, shown as 192x64
  EXPECT_EQ(source.info().width, 192);
  EXPECT_THAT(source.info().notes, IsEmpty());
  std::vector<float> rgb(3 * 96 * 32);
  EXPECT_TRUE(source.Next(rgb.data()));
  options.height = 64;  // the size as stored, of which half is shown
  EXPECT_THAT(VideoSource(MediaData("wide_pixels.mp4"), options).info().notes,
              ElementsAre(HasSubstr("50 % of the width")));
}

TEST(VideoSourceOfContainer, TenBitsStayTen) {
  const TestFolder folder;
  MadeVideo video;
  video.encoder = "ffv1", video.pixels = AV_PIX_FMT_YUV444P10LE;
  video.milliseconds = {0};
  video.picture = [](int) {
    TestFrame frame(64, 48);
    for (int64_t i = 0; i < std::ssize(frame.samples); ++i) {
      frame.samples[static_cast<size_t>(i)] = static_cast<float>(i % 64) * 0.0023f;
    }
    return frame;
  };
  MakeFile(folder / "v.mkv", video);
  SourceOptions options;
  options.width = 128, options.height = 96;
  VideoSource source(folder / "v.mkv", options);
  std::vector<float> rgb(3 * 128 * 96);
  ASSERT_TRUE(source.Next(rgb.data()));
  for (int x = 10; x < 118; ++x) {  // a code of 8 bits is 0.0091 here, of 10 bits 0.0023
    EXPECT_NEAR(rgb[static_cast<size_t>(48 * 128 + x)], (x / 2.0 - .25) * 0.0023, 0.0015) << x;
  }
}

TEST(VideoSourceOfContainer, SaysWhatItSees) {
  EXPECT_THAT(VideoSource(MediaData("pq.mp4"), {}).info().notes, Contains(HasSubstr("HDR (PQ)")));
  const TestFolder folder;
  MadeVideo video;
  video.encoder = "ffv1";
  video.milliseconds = EvenMilliseconds(3, 25);
  video.fields = AV_FIELD_TT;
  MakeFile(folder / "v.mkv", video);
  EXPECT_THAT(VideoSource(folder / "v.mkv", {}).info().notes, Contains(HasSubstr("interlaced")));
  EXPECT_FALSE(VideoSource(folder / "v.mkv", {}).info().has_audio);
  video.sounds = {MadeSound{}};
  MakeFile(folder / "v.mkv", video);
  EXPECT_TRUE(VideoSource(folder / "v.mkv", {}).info().has_audio);
}

TEST(VideoSourceOfContainer, PicturesThatMove) {
  const TestFolder folder;
  for (const char* name : {"v.gif", "v.webp"}) {
    VideoSettings settings;
    settings.width = 33, settings.height = 20, settings.fps = 10;
    try {
      CheckVideoTarget(folder / name, settings);
    } catch (const Error&) {
      continue;  // FFmpeg without libwebp
    }
    const auto writer = OpenVideoWriter(folder / name, settings);
    for (int i = 0; i < 7; ++i) {
      writer->Write(FlatFrame(33, 20, GreyOf(i), GreyOf(i), GreyOf(i)).view());
    }
    writer->Finish();
    EXPECT_EQ(VideoSource(folder / name, {}).info().fps, 10) << name;
    EXPECT_THAT(Shown(folder / name), ElementsAre(0, 1, 2, 3, 4, 5, 6)) << name;
  }
  EXPECT_EQ(VideoSource(MediaData("turned.jpg"), {}).info().frames, 1);
}

// FFmpeg ends before the comment that follows the frames.
TEST(VideoSourceOfContainer, Y4mWithACommentIsReadByFfmpeg) {
  const TestFolder folder;
  VideoSettings settings;
  settings.width = 64, settings.height = 48;
  settings.metadata = {{"comment", std::string(900, 'x')}};
  const auto writer = OpenVideoWriter(folder / "v.y4m", settings);
  for (int i = 0; i < 4; ++i) {
    writer->Write(FlatFrame(64, 48, GreyOf(i), GreyOf(i), GreyOf(i)).view());
  }
  writer->Finish();
  WriteBytes(folder / "y4m.mp4", FileBytes(folder / "v.y4m"));  // not by this project's reader
  EXPECT_THAT(Shown(folder / "y4m.mp4"), ElementsAre(0, 1, 2, 3));
}

TEST(VideoSourceOfContainer, ATruncatedFileIsNamedWithItsLastGoodTime) {
  const TestFolder folder;
  MadeVideo video;
  video.milliseconds = EvenMilliseconds(100, 25);
  video.picture = [](int i) { return WaveFrame(64, 48, i); };
  for (const char* name : {"v.mp4", "v.mkv", "v.webm", "v.mov"}) {
    video.encoder = std::string(name) == "v.webm" ? "libvpx-vp9" : "mpeg4";
    if (avcodec_find_encoder_by_name(video.encoder.c_str()) == nullptr) continue;
    MakeFile(folder / name, video);
    const std::string whole = FileBytes(folder / name);
    EXPECT_EQ(VideoSource(folder / name, {}).info().frames, 100) << name;
    WriteBytes(folder / name, whole.substr(0, whole.size() / 2));
    const std::string refusal = RefusalOf(folder / name);
    EXPECT_THAT(refusal, HasSubstr(name));
    if (std::string(name) != "v.mp4" && std::string(name) != "v.mov") {  // whose index is gone
      EXPECT_THAT(refusal, HasSubstr("cut short")) << name;
      EXPECT_THAT(refusal, HasSubstr(" s")) << name;
    }
  }
}

TEST(VideoSourceOfContainer, RefusesWhatHoldsNoVideo) {
  const TestFolder folder;
  MadeVideo sound;
  sound.sounds = {MadeSound{}};
  MakeFile(folder / "sound.mp4", sound);
  EXPECT_THAT(RefusalOf(folder / "sound.mp4"), HasSubstr("holds no video"));
  WriteBytes(folder / "empty.mp4", "");
  EXPECT_THAT(RefusalOf(folder / "empty.mp4"), HasSubstr("empty.mp4"));
  WriteBytes(folder / "text.mp4", "this is not a video");
  EXPECT_THAT(RefusalOf(folder / "text.mp4"), HasSubstr("text.mp4"));
}

// Whatever comes, there is an Error that names the file, or as many frames as were promised.
TEST(VideoSourceOfContainer, DamageIsAnErrorOrFrames) {
  const TestFolder folder;
  MadeVideo video;
  video.milliseconds = EvenMilliseconds(30, 25);
  video.sounds = {MadeSound{}};
  for (const char* name : {"v.mp4", "v.mkv", "v.gif", "v.y4m"}) {
    if (std::string(name) == "v.gif" || std::string(name) == "v.y4m") {
      VideoSettings settings;
      settings.width = 64, settings.height = 48;
      const auto writer = OpenVideoWriter(folder / name, settings);
      for (int i = 0; i < 5; ++i) writer->Write(WaveFrame(64, 48, i).view());
      writer->Finish();
    } else {
      MakeFile(folder / name, video);
    }
    const std::string whole = FileBytes(folder / name);
    for (size_t i = 4; i < whole.size(); i += whole.size() / 15) {
      std::string damaged = whole;
      for (size_t k = i; k < std::min(i + 9, whole.size()); ++k) damaged[k] ^= 0x5a;
      WriteBytes(folder / name, damaged);
      try {
        VideoSource source(folder / name, {});
        ASSERT_LT(source.info().frames, 1'000'000) << name << " " << i;
        std::vector<float> rgb(static_cast<size_t>(3 * source.info().width * source.info().height));
        int64_t frames = 0;
        while (source.Next(rgb.data())) ++frames;
        EXPECT_EQ(frames, source.info().frames);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr(name));
      }
    }
  }
}

}  // namespace
}  // namespace t3
