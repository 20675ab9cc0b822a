// Video files as other programs write them, good and bad.
#include <gmock/gmock.h>

#include <filesystem>

#include "media/image.h"
#include "media/testing/frames.h"
#include "media/video_reader.h"
#include "media/video_writer.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

std::vector<std::vector<float>> AllFrames(VideoReader& reader) {
  const auto samples = static_cast<size_t>(3 * reader.info().width * reader.info().height);
  std::vector<std::vector<float>> frames(1, std::vector<float>(samples));
  while (reader.Read(frames.back().data())) frames.emplace_back(samples);
  frames.pop_back();
  return frames;
}

// Frames after jumps forth and back are those of reading in order.
void ExpectSeekingWorks(const std::string& path, size_t count) {
  const auto frames = AllFrames(*VideoReader::Open(path));
  ASSERT_EQ(frames.size(), count);
  const auto reader = VideoReader::Open(path);
  ASSERT_EQ(reader->FrameTimes(24).size(), count);
  std::vector<float> frame(frames[0].size());
  for (size_t i = 0; i < 3 * count; ++i) {
    const size_t index = (i * 7) % count;
    reader->SeekTo(static_cast<int64_t>(index));
    ASSERT_TRUE(reader->Read(frame.data())) << index;
    EXPECT_EQ(frame, frames[index]) << index;
  }
}

TEST(ForeignVideo, OpenGroupsOfPictures) { ExpectSeekingWorks(MediaData("open_gop.mp4"), 48); }

TEST(ForeignVideo, TransportStreamUnderAnotherName) {
  ExpectSeekingWorks(MediaData("transport_stream.mp4"), 48);
}

// An edit list hides the first frames, among them the only key frame that they depend on.
TEST(ForeignVideo, ATrimmedClip) { ExpectSeekingWorks(MediaData("trimmed.mp4"), 32); }

// Cut out of a longer stream, it begins with frames that cannot be decoded.
TEST(ForeignVideo, ACutStreamBeginsWithItsFirstKeyFrame) {
  const TestFolder folder;
  constexpr size_t kPacketBytes = 188;
  const std::string whole = FileBytes(MediaData("transport_stream.mp4"));
  WriteBytes(folder / "cut.ts", whole.substr(20 * kPacketBytes));
  ExpectSeekingWorks(folder / "cut.ts", 36);
}

TEST(ForeignVideo, DroppedFramesLeaveGapsInTime) {
  const std::string path = MediaData("dropped_frames.avi");
  ExpectSeekingWorks(path, 21);
  const auto times = VideoReader::Open(path)->FrameTimes(24);
  EXPECT_NEAR(times.back() * 16, 23, 1.01);  // of 24 slots
}

TEST(ForeignVideo, ADecoderThatAssertsDoesNotEndTheProgram) {
  const std::string path = MediaData("damaged_mpeg4.mp4");
  try {
    AllFrames(*VideoReader::Open(path));
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("damaged_mpeg4.mp4"));
  }
}

TEST(ForeignVideo, DamageNeverEndsTheProgram) {
  const TestFolder folder;
  for (const char* name : {"damaged_mpeg4.mp4", "open_gop.mp4", "dropped_frames.avi"}) {
    const std::string whole = FileBytes(MediaData(name));
    for (size_t i = 30; i < whole.size(); i += whole.size() / 12) {
      std::string damaged = whole;
      for (size_t k = i; k < i + 4 && k < whole.size(); ++k) damaged[k] ^= 0x5a;
      WriteBytes(folder / name, damaged);
      try {
        AllFrames(*VideoReader::Open(folder / name));
      } catch (const Error&) {
      }
    }
  }
}

TEST(ForeignVideo, PixelsThatAreNotSquareAreStretched) {
  const auto reader = VideoReader::Open(MediaData("wide_pixels.mp4"));
  EXPECT_EQ(reader->info().width, 192);
  EXPECT_EQ(reader->info().height, 64);
  EXPECT_EQ(AllFrames(*reader).size(), 8u);
}

TEST(ForeignVideo, PixelAspectOfY4m) {
  const TestFolder folder;
  const std::string frame = "FRAME\n" + std::string(8 * 4 * 3 / 2, 'a');
  WriteBytes(folder / "v.y4m", "YUV4MPEG2 W8 H4 F24:1 A1:2 C420mpeg2\n" + frame);
  EXPECT_EQ(VideoReader::Open(folder / "v.y4m")->info().width, 4);
  WriteBytes(folder / "v.y4m", "YUV4MPEG2 W8 H4 F24:1 A0:0 C420mpeg2\n" + frame);
  EXPECT_EQ(VideoReader::Open(folder / "v.y4m")->info().width, 8);
}

TEST(ForeignVideo, HdrIsToneMapped) {
  const auto reader = VideoReader::Open(MediaData("pq.mp4"));
  const auto frames = AllFrames(*reader);
  ASSERT_FALSE(frames.empty());
  // A ramp over all code values: PQ's upper third is beyond SDR white, which a reader that takes
  // the codes for BT.709 does not see.
  const auto& rgb = frames[0];
  int64_t white = 0;
  for (const float value : rgb) white += value > 0.97f ? 1 : 0;
  EXPECT_GT(static_cast<double>(white) / static_cast<double>(rgb.size()), 0.15);
}

TEST(ForeignVideo, NoFileBringsInAnother) {
  const TestFolder folder;
  std::filesystem::copy_file(MediaData("open_gop.mp4"), folder / "secret.mp4");
  const std::string secret = folder / "secret.mp4";
  WriteBytes(folder / "hls.mp4",
             "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n" + secret + "\n#EXT-X-ENDLIST\n");
  WriteBytes(folder / "concat.mp4", "ffconcat version 1.0\nfile secret.mp4\n");
  WriteBytes(folder / "dash.mp4",
             "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>");
  WriteBytes(folder / "list.mp4", "[playlist]\nFile1=" + secret + "\n");
  for (const char* name : {"hls.mp4", "concat.mp4", "dash.mp4", "list.mp4"}) {
    EXPECT_THAT(ErrorOf([&] { VideoReader::Open(folder / name); }), HasSubstr(name)) << name;
  }
}

TEST(AnimatedPictures, AreWrittenAndReadBack) {
  const TestFolder folder;
  for (const char* name : {"a.gif", "a.webp", "a.PNG"}) {
    const int64_t frames = name[2] == 'P' ? 1 : 5;
    VideoSettings settings;
    settings.width = 33, settings.height = 20, settings.fps = 10, settings.frames = frames;
    try {
      CheckVideoTarget(folder / name, settings);
    } catch (const Error&) {
      continue;  // FFmpeg without libwebp
    }
    const auto writer = OpenVideoWriter(folder / name, settings);
    for (int64_t i = 0; i < frames; ++i) {
      writer->Write(WaveFrame(33, 20, 0.2 * static_cast<double>(i)).view());
    }
    writer->Finish();
    const auto reader = VideoReader::OpenOwn(folder / name);
    EXPECT_EQ(reader->info().width, 33) << name;
    const auto read = AllFrames(*reader);
    ASSERT_EQ(read.size(), static_cast<size_t>(frames)) << name;
    const TestFrame last = WaveFrame(33, 20, 0.2 * static_cast<double>(frames - 1));
    double sum = 0;
    for (size_t i = 0; i < last.samples.size(); ++i) {
      sum += std::abs(read.back()[i] - last.samples[i]);
    }
    EXPECT_LT(sum / static_cast<double>(last.samples.size()), 0.06) << name;
  }
}

TEST(AnimatedPictures, PatchesOfWebpCoverWhatIsBelow) {
  const auto reader = VideoReader::Open(MediaData("patches.webp"));
  const Image stack = ReadImage(MediaData("patches.png"));  // the frames as libwebp shows them
  ASSERT_EQ(reader->info().frames, 5);
  EXPECT_THAT(reader->FrameTimes(24), testing::ElementsAre(0, .1, .15, .35, .4));
  std::vector<float> wanted(3 * 40 * 30), shown(wanted.size());
  for (const int index : {0, 1, 2, 3, 4, 2, 0, 4}) {
    const auto first = stack.rgb.begin() + index * 3 * 40 * 30;
    ToPlanes({40, 30, {first, first + 3 * 40 * 30}}, wanted.data());
    reader->SeekTo(index);
    ASSERT_TRUE(reader->Read(shown.data()));
    EXPECT_LT(LargestDifference(shown, wanted), 1.1 / 127.5) << index;  // one code of rounding
  }
  EXPECT_FALSE(reader->Read(shown.data()));
}

TEST(AnimatedPictures, DamagedWebpIsAnErrorOrFrames) {
  const TestFolder folder;
  const std::string whole = FileBytes(MediaData("patches.webp"));
  constexpr size_t kCanvas = 24, kAfterCanvas = 30;
  std::string huge = whole;
  huge.replace(kCanvas, kAfterCanvas - kCanvas, 6, '\xff');
  WriteBytes(folder / "v.webp", huge);
  EXPECT_THAT(ErrorOf([&] { VideoReader::Open(folder / "v.webp"); }), HasSubstr("out of range"));
  for (size_t i = 8; i < whole.size(); i += i < 120 ? 1 : 97) {
    if (i >= kCanvas && i < kAfterCanvas) continue;  // large, but allowed sizes take long
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x5a);
    WriteBytes(folder / "v.webp", damaged);
    try {
      AllFrames(*VideoReader::Open(folder / "v.webp"));
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("v.webp"));
    }
  }
}

TEST(AnimatedPictures, OnePngHoldsOneFrame) {
  const TestFolder folder;
  VideoSettings settings;
  settings.width = settings.height = 16, settings.frames = 5;
  EXPECT_THAT(ErrorOf([&] { CheckVideoTarget(folder / "a.png", settings); }), HasSubstr("a/"));
  settings.frames = 1;
  settings.crf = 3;
  EXPECT_THAT(ErrorOf([&] { CheckVideoTarget(folder / "a.png", settings); }), HasSubstr("crf"));
}

}  // namespace
}  // namespace t3
