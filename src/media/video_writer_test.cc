// Properties of every kind of file: names, rates, nothing left behind.
#include "media/video_writer.h"

#include <gmock/gmock.h>

#include "media/png_file.h"
#include "media/testing/frames.h"
#include "media/video_reader.h"
#include "media/video_settings.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

VideoSettings TinySettings() {
  VideoSettings settings;
  settings.width = 8;
  settings.height = 6;
  return settings;
}

void WriteFrames(const std::string& path, int count,
                 const VideoSettings& settings = TinySettings()) {
  const auto writer = OpenVideoWriter(path, settings);
  for (int i = 0; i < count; ++i) writer->Write(WaveFrame(8, 6, i).view());
  writer->Finish();
}

int CountFiles(const fs::path& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(ExactFrameRate, IsWhatPeopleMean) {
  const auto is = [](double fps, int64_t numerator, int64_t denominator) {
    const FrameRate rate = ExactFrameRate(fps);
    EXPECT_EQ(rate.numerator, numerator) << fps;
    EXPECT_EQ(rate.denominator, denominator) << fps;
  };
  is(16, 16, 1);
  is(30, 30, 1);
  is(23.976, 24000, 1001);
  is(23.98, 24000, 1001);
  is(24000.0 / 1001, 24000, 1001);
  is(29.97, 30000, 1001);
  is(59.94, 60000, 1001);
  is(12.5, 25, 2);
  is(0.1, 1, 10);
  for (double fps : {0.0, -24.0, 1e9, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    EXPECT_THROW(ExactFrameRate(fps), Error) << fps;
  }
}

TEST(OpenVideoWriter, ListsWhatIsPossible) {
  const TestFolder folder;
  for (const char* name : {"v.avi", "v", "v.safetensors", "v.mp4.txt"}) {
    EXPECT_THAT(ErrorOf([&] { OpenVideoWriter(folder / name, TinySettings()); }),
                HasSubstr(".mp4, .mkv, .mov, .webm"));
  }
}

TEST(OpenVideoWriter, LeavesNothingWithoutFinish) {
  const TestFolder folder;
  for (const char* name : {"v.y4m", "frames/"}) {
    CheckVideoTarget(folder / name, TinySettings());
    EXPECT_TRUE(folder.empty()) << name;
    {
      const auto writer = OpenVideoWriter(folder / name, TinySettings());
      writer->Write(WaveFrame(8, 6, 0).view());
      EXPECT_THROW(writer->Write(WaveFrame(6, 8, 0).view()), Error);
    }
    EXPECT_TRUE(folder.empty()) << name;
    EXPECT_THAT(ErrorOf([&] { WriteFrames(folder / name, 0); }), HasSubstr("no frame"));
    EXPECT_TRUE(folder.empty()) << name;
  }
}

TEST(OpenVideoWriter, SaysWhyAPlaceCannotBeWritten) {
  const TestFolder folder;
  EXPECT_THAT(ErrorOf([&] { CheckVideoTarget(folder / "no/v.y4m", TinySettings()); }),
              HasSubstr("does not exist"));
  EXPECT_THAT(ErrorOf([&] { CheckVideoTarget(folder / "no/frames/", TinySettings()); }),
              HasSubstr("does not exist"));
  WriteBytes(folder / "file", "x");
  EXPECT_THAT(ErrorOf([&] { CheckVideoTarget(folder / "file/", TinySettings()); }),
              HasSubstr("it is a file"));
  for (const char* name : {"file/v.y4m", "file/frames/", "file/no/v.y4m"}) {
    EXPECT_THAT(ErrorOf([&] { CheckVideoTarget(folder / name, TinySettings()); }),
                HasSubstr((folder / "file") + " is not a folder"));
  }
  EXPECT_THROW(CheckVideoTarget("/proc/v.y4m", TinySettings()), Error);
  EXPECT_THROW(CheckVideoTarget("/proc/frames/", TinySettings()), Error);
}

TEST(FrameFolder, WritesNumberedFramesOfBothDepths) {
  const TestFolder folder;
  VideoSettings settings = TinySettings();
  settings.metadata = {{"t3video", "{\"seed\":7}"}};
  for (const std::string format : {"", "rgb48"}) {
    settings.pixel_format = format;
    WriteFrames(folder / "frames/", 12, settings);
    EXPECT_EQ(CountFiles(folder / "frames"), 12);
    const PngPicture png = ReadPng(folder / "frames/frame_00011.png", true);
    EXPECT_EQ(png.bits, format.empty() ? 8 : 16);
    EXPECT_EQ(png.text.at("t3video"), "{\"seed\":7}");
    const auto reader = VideoReader::Open(folder / "frames");
    EXPECT_EQ(reader->info().frames, 12);
    EXPECT_EQ(reader->info().metadata.at("t3video"), "{\"seed\":7}");
    std::vector<float> rgb(3 * 8 * 6);
    for (int i = 0; i < 12; ++i) {
      ASSERT_TRUE(reader->Read(rgb.data()));
      const double half_code = 1.0 / (format.empty() ? 255 : 65535);
      EXPECT_LT(LargestDifference(rgb, WaveFrame(8, 6, i).samples), half_code * 1.01 + 1e-6);
    }
    EXPECT_FALSE(reader->Read(rgb.data()));
  }
}

TEST(FrameFolder, TakesAnEmptyFolderAndReplacesEarlierFrames) {
  const TestFolder folder;
  fs::create_directory(folder / "frames");
  WriteBytes(folder / "frames/.gitkeep", "");
  WriteFrames(folder / "frames", 5);  // an existing folder needs no '/'
  EXPECT_EQ(CountFiles(folder / "frames"), 6);
  { OpenVideoWriter(folder / "frames", TinySettings())->Write(WaveFrame(8, 6, 0).view()); }
  EXPECT_EQ(CountFiles(folder / "frames"), 6);  // an unfinished run leaves the old frames
  WriteFrames(folder / "frames/", 2);
  EXPECT_EQ(CountFiles(folder / "frames"), 3);
}

TEST(FrameFolder, RefusesAFolderWithOtherFiles) {
  const TestFolder folder;
  fs::create_directory(folder / "frames");
  for (const char* name : {"thesis.tex", "frame_.png", "frame_1x.png", "frame_00001.jpg"}) {
    WriteBytes(folder / ("frames/" + std::string(name)), "x");
    EXPECT_THAT(ErrorOf([&] { CheckVideoTarget(folder / "frames", TinySettings()); }),
                HasSubstr(name));
    fs::remove(folder / ("frames/" + std::string(name)));
  }
  VideoSettings settings = TinySettings();
  settings.pixel_format = "yuv420p";
  EXPECT_THAT(ErrorOf([&] { CheckVideoTarget(folder / "frames", settings); }), HasSubstr("rgb48"));
}

TEST(FrameFolder, ReaderRejectsMixedSizesAndEmptyFolders) {
  const TestFolder folder;
  EXPECT_THAT(ErrorOf([&] { VideoReader::Open(folder.path().string()); }), HasSubstr("no .png"));
  WriteFrames(folder / "frames/", 1);
  fs::copy_file(MediaData("rgba.png"), folder / "frames/frame_00001.png");
  const auto reader = VideoReader::Open(folder / "frames");
  std::vector<float> rgb(3 * 8 * 6);
  EXPECT_TRUE(reader->Read(rgb.data()));
  EXPECT_THAT(ErrorOf([&] { reader->Read(rgb.data()); }), HasSubstr("11x7"));
}

}  // namespace
}  // namespace t3
