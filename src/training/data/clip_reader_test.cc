// Frames of a clip against frames read and resized one by one.
#include "training/data/clip_reader.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "media/image.h"
#include "media/testing/frames.h"
#include "media/video_writer.h"

namespace t3 {
namespace {

// Y4M of slow waves, which every build reads and writes.
Source WriteWaves(const std::string& path, int64_t width, int64_t height, int frames, double fps) {
  VideoSettings settings;
  settings.width = width;
  settings.height = height;
  settings.fps = fps;
  settings.pixel_format = "yuv444p";
  const auto writer = OpenVideoWriter(path, settings);
  for (int i = 0; i < frames; ++i) writer->Write(WaveFrame(width, height, 0.1 * i).view());
  writer->Finish();
  return {path, path, "waves", false};
}

at::Tensor ReadWhole(const Source& source, const Clip& clip) {
  ClipReader reader(source);
  reader.Start(clip);
  return reader.Next(clip.bucket.frames);
}

at::Tensor AllFrames(const std::string& path) {
  const auto reader = VideoReader::Open(path);
  std::vector<at::Tensor> frames;
  while (true) {
    const at::Tensor frame = at::empty({3, reader->info().height, reader->info().width});
    if (!reader->Read(frame.data_ptr<float>())) return at::stack(frames, 1);
    frames.push_back(frame);
  }
}

TEST(ClipReaderTest, FramesOfTheRightSizeComeAsDecoded) {
  const TestFolder folder;
  const Source source = WriteWaves(folder / "a.y4m", 48, 32, 20, 20);
  const ClipSettings settings{.buckets = {{48, 32, 5}}, .fps = 10, .clips_per_video = 2};
  const std::vector<Clip> clips = ClipsOf(source, settings);
  ASSERT_EQ(clips.size(), 2u);
  const at::Tensor all = AllFrames(source.path);
  for (const Clip& clip : clips) {
    const at::Tensor wanted = all.index_select(1, at::tensor(clip.frames));
    EXPECT_TRUE(ReadWhole(source, clip).equal(wanted));
  }
  EXPECT_NE(clips[0].frames, clips[1].frames);
  // One reader, in any order, a clip more than once.
  ClipReader reader(source);
  for (const size_t i : {1u, 0u, 1u}) {
    reader.Start(clips[i]);
    EXPECT_TRUE(
        reader.Next(2).equal(all.index_select(1, at::tensor(clips[i].frames)).narrow(1, 0, 2)));
  }
}

TEST(ClipReaderTest, OthersCoverTheSizeAndLoseTheirEdges) {
  const TestFolder folder;
  const Source source = WriteWaves(folder / "a.y4m", 80, 48, 5, 10);
  const Clip clip = ClipsOf(source, {.buckets = {{32, 32, 5}}, .fps = 10}).at(0);
  const at::Tensor video = ReadWhole(source, clip);
  ASSERT_EQ(video.sizes(), (at::IntArrayRef{3, 5, 32, 32}));
  // The last frame, through bytes: exactly ResizeCover.
  const at::Tensor bytes = ((AllFrames(source.path).select(1, 4) + 1) * 127.5).round();
  const at::Tensor packed = bytes.permute({1, 2, 0}).contiguous().to(at::kByte);
  const uint8_t* data = packed.const_data_ptr<uint8_t>();
  const Image resized = ResizeCover({80, 48, {data, data + packed.numel()}}, 32, 32);
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 0; x < 32; ++x) {
      const float green =
          static_cast<float>(resized.rgb[static_cast<size_t>(3 * (y * 32 + x) + 1)]);
      EXPECT_EQ(video[1][4][y][x].item<float>(), green / 127.5f - 1);
    }
  }
}

TEST(ClipReaderTest, AnImageIsAClipOfOneFrame) {
  const TestFolder folder;
  VideoSettings settings;
  settings.width = 40;
  settings.height = 32;
  const auto writer = OpenVideoWriter(folder / "pictures/", settings);
  writer->Write(WaveFrame(40, 32, 1).view());
  writer->Finish();
  const Source image{"p", folder / "pictures/frame_00000.png", "waves", true};
  const Clip clip = ClipsOf(image, {.buckets = {{32, 32, 17}}, .fps = 10}).at(0);
  EXPECT_EQ(ClipSizeText(clip.bucket), "32x32x1");
  const at::Tensor frame = ReadWhole(image, clip);
  // Covering needs no scaling here: the middle 32 of 40 columns, to 8 bits.
  const TestFrame wave = WaveFrame(40, 32, 1);
  const at::Tensor middle = at::tensor(wave.samples).view({3, 1, 32, 40}).narrow(3, 4, 32);
  EXPECT_LE((frame - middle).abs().max().item<float>(), 0.5f / 127.5f + 1e-5f);
}

TEST(ClipReaderTest, BrokenFilesAreErrors) {
  const TestFolder folder;
  const Source source = WriteWaves(folder / "a.y4m", 32, 32, 9, 10);
  const Clip clip = ClipsOf(source, {.buckets = {{32, 32, 9}}, .fps = 10}).at(0);
  ClipReader reader(source);
  reader.Start(clip);
  EXPECT_THROW(reader.Next(10), Error);
  const std::string bytes = FileBytes(source.path);
  WriteBytes(source.path, bytes.substr(0, bytes.size() - 100));
  EXPECT_THROW(ClipsOf(source, {.buckets = {{32, 32, 9}}, .fps = 10}), Error);
  EXPECT_THROW(ReadWhole(source, clip), Error);  // cut between planning and reading
}

}  // namespace
}  // namespace t3
