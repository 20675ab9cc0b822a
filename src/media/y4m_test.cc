// Y4M byte by byte, and files that are refused.
#include <gmock/gmock.h>

#include "media/testing/frames.h"
#include "media/video_reader.h"
#include "media/video_writer.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

VideoSettings Settings(int64_t width, int64_t height, double fps = 24) {
  VideoSettings settings;
  settings.width = width;
  settings.height = height;
  settings.fps = fps;
  return settings;
}

void WriteVideo(const std::string& path, const VideoSettings& settings,
                const std::vector<TestFrame>& frames) {
  const auto writer = OpenVideoWriter(path, settings);
  for (const TestFrame& frame : frames) writer->Write(frame.view());
  writer->Finish();
}

TEST(Y4m, HasTheseBytes) {
  const TestFolder folder;
  WriteVideo(folder / "v.y4m", Settings(3, 1, 23.976),
             {FlatFrame(3, 1, 1, 1, 1), FlatFrame(3, 1, 1, -1, -1)});
  EXPECT_EQ(FileBytes(folder / "v.y4m"),
            "YUV4MPEG2 W3 H1 F24000:1001 Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED\n"
            "FRAME\n\xeb\xeb\xeb\x80\x80\x80\x80"
            "FRAME\n\x3f\x3f\x3f\x66\x66\xf0\xf0");
  VideoSettings ten = Settings(1, 1);
  ten.pixel_format = "yuv444p10";
  WriteVideo(folder / "ten.y4m", ten, {FlatFrame(1, 1, 1, 1, 1)});
  EXPECT_EQ(FileBytes(folder / "ten.y4m"),
            "YUV4MPEG2 W1 H1 F24:1 Ip A1:1 C444p10 XCOLORRANGE=LIMITED\n"
            "FRAME\n\xac\x03" +
                std::string("\x00\x02\x00\x02", 4));
}

TEST(Y4m, TakesSamplesThatSomebodyElseMade) {
  const TestFolder folder;
  const TestFrame frame = WaveFrame(41, 23, 0);
  for (const std::string name : {"", "yuv422p10"}) {
    VideoSettings settings = Settings(41, 23);
    settings.pixel_format = name;
    WriteVideo(folder / "frames.y4m", settings, {frame, frame});
    const auto writer = OpenVideoWriter(folder / "samples.y4m", settings);
    for (const int64_t gap : {0, 6}) WriteSamplesOf(frame, gap, *writer);
    writer->Finish();
    EXPECT_EQ(FileBytes(folder / "samples.y4m"), FileBytes(folder / "frames.y4m")) << name;
  }
}

TEST(Y4m, ReadsBackWhatItWrote) {
  const TestFolder folder;
  for (const std::string format : {"", "yuv420p10", "yuv422p", "yuv444p12le"}) {
    VideoSettings settings = Settings(41, 23, 29.97);
    settings.pixel_format = format;
    WriteVideo(folder / "v.y4m", settings, {WaveFrame(41, 23, 0), WaveFrame(41, 23, 1)});
    const auto reader = VideoReader::Open(folder / "v.y4m");
    EXPECT_EQ(reader->info().width, 41);
    EXPECT_EQ(reader->info().height, 23);
    EXPECT_EQ(reader->info().frames, 2);
    EXPECT_NEAR(reader->info().fps, 30000.0 / 1001, 1e-9);
    std::vector<float> rgb(3 * 41 * 23);
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(reader->Read(rgb.data()));
      EXPECT_LT(LargestDifference(rgb, WaveFrame(41, 23, i).samples), 0.05) << format;
    }
    EXPECT_FALSE(reader->Read(rgb.data()));
  }
}

TEST(Y4m, ReadsWhatOthersWrite) {
  const TestFolder folder;
  const std::string pixels("\xff\x00", 2);
  WriteBytes(folder / "v.y4m", "YUV4MPEG2 H1 W2 Cmono XCOLORRANGE=FULL\nFRAME Ip\n" + pixels);
  const auto reader = VideoReader::Open(folder / "v.y4m");
  EXPECT_EQ(reader->info().fps, 0);
  float rgb[6];
  ASSERT_TRUE(reader->Read(rgb));
  EXPECT_THAT(rgb, ::testing::ElementsAre(1, -1, 1, -1, 1, -1));
}

TEST(Y4m, RejectsBrokenFiles) {
  const TestFolder folder;
  const std::string good = "YUV4MPEG2 W2 H2 F24:1 C420mpeg2\nFRAME\n123456";
  const auto read = [&](const std::string& bytes) {
    WriteBytes(folder / "v.y4m", bytes);
    const auto reader = VideoReader::Open(folder / "v.y4m");
    std::vector<float> rgb(12);
    while (reader->Read(rgb.data())) {
    }
  };
  EXPECT_NO_THROW(read(good));
  for (size_t size = 0; size < good.size(); ++size) {
    if (good.substr(0, size).ends_with("420mpeg2\n"))
      continue;  // a file without frames is not an error
    EXPECT_THROW(read(good.substr(0, size)), Error) << size;
  }
  for (const char* bytes :
       {"YUV4MPEG2 W2 C420\nFRAME\n123456", "YUV4MPEG2 W-2 H2\nFRAME\n", "YUV4MPEG2 W2 H0\n",
        "YUV4MPEG2 W99999999999999999999 H2\n", "YUV4MPEG2 W2 H2 C444alpha\nFRAME\n12345678",
        "YUV4MPEG2 W2 H2 F24\nFRAME\n123456", "YUV4MPEG2 W2 H2 Cp\n",
        "YUV4MPEG2 W2 H2\nFRAMX\n12"}) {
    EXPECT_THROW(read(bytes), Error) << bytes;
  }
}

TEST(Y4m, RefusesWhatItCannotHold) {
  const TestFolder folder;
  const auto refuse = [&](auto change) {
    VideoSettings settings = Settings(4, 4);
    change(settings);
    return ErrorOf([&] { CheckVideoTarget(folder / "v.y4m", settings); });
  };
  EXPECT_THAT(refuse([](auto& s) { s.pixel_format = "rgb24"; }), HasSubstr("yuv422p"));
  EXPECT_THAT(refuse([](auto& s) { s.codec = "libx264"; }), HasSubstr("no encoder"));
  EXPECT_THAT(refuse([](auto& s) { s.crf = 3; }), HasSubstr("crf 3"));
  EXPECT_THAT(refuse([](auto& s) { s.width = 0; }), HasSubstr("0x4"));
  EXPECT_THAT(refuse([](auto& s) { s.fps = NAN; }), HasSubstr("fps"));
  EXPECT_TRUE(folder.empty());
}

}  // namespace
}  // namespace t3
