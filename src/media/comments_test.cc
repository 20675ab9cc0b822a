// Settings inside pictures and raw video: what is written is read, and damage is not.
#include <gmock/gmock.h>

#include "media/gif_comment.h"
#include "media/testing/frames.h"
#include "media/video_reader.h"
#include "media/video_writer.h"
#include "media/webp_comment.h"

namespace t3 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kSettings =
    R"({"t3.prompt":"a <cat> & \"dog\" 'n' 猫","t3.seed":"7"})" + std::string(700, ' ');

// One black pixel.
const std::string kGif(
    "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    "\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b",
    35);

std::string Bytes(uint32_t value) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

TEST(GifComment, IsReadBack) {
  const TestFolder folder;
  for (const size_t size : {size_t{1}, size_t{254}, size_t{255}, size_t{256}, kSettings.size()}) {
    WriteBytes(folder / "v.gif", kGif);
    const std::string text = kSettings.substr(0, size);
    AddGifComment(folder / "v.gif", text);
    const std::string file = FileBytes(folder / "v.gif");
    EXPECT_EQ(GifComment(file), text);
    EXPECT_EQ(file.size(), kGif.size() + 3 + size + (size + 254) / 255);
    EXPECT_EQ(file.back(), '\x3b');
  }
  AddGifComment(folder / "v.gif", "the last one counts");
  EXPECT_EQ(GifComment(FileBytes(folder / "v.gif")), "the last one counts");
  EXPECT_EQ(GifComment(kGif), "");
  WriteBytes(folder / "v.gif", kGif.substr(0, kGif.size() - 1));
  EXPECT_THAT(ErrorOf([&] { AddGifComment(folder / "v.gif", "x"); }), HasSubstr("v.gif"));
}

TEST(GifComment, OfDamagedFilesIsSomethingOrNothing) {
  const TestFolder folder;
  WriteBytes(folder / "v.gif", kGif);
  AddGifComment(folder / "v.gif", kSettings);
  const std::string whole = FileBytes(folder / "v.gif");
  for (size_t i = 0; i < whole.size(); ++i) {
    GifComment(whole.substr(0, i));
    for (const char damage : {'\x01', '\x7f', '\xff'}) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ damage);
      EXPECT_LE(GifComment(damaged).size(), whole.size());
    }
  }
}

TEST(WebpComment, MakesAPlainPictureExtended) {
  const TestFolder folder;
  const std::string lossy("VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x21\x00\x14\x00", 18);  // 33x20
  const std::string lossless("VP8L\x0a\0\0\0\x2f\x20\xc0\x04\x10\0\0\0\0\0", 18);   // with alpha
  for (const auto& [chunk, flags] : {std::pair{lossy, '\x04'}, {lossless, '\x14'}}) {
    WriteBytes(folder / "v.webp", "RIFF" + Bytes(22) + "WEBP" + chunk);
    AddWebpComment(folder / "v.webp", kSettings);
    const std::string file = FileBytes(folder / "v.webp");
    EXPECT_EQ(file.substr(4, 4), Bytes(static_cast<uint32_t>(file.size()) - 8));
    EXPECT_EQ(file.size() % 2, 0u);
    EXPECT_EQ(file.substr(12, 18),
              "VP8X" + Bytes(10) + flags + std::string("\0\0\0\x20\0\0\x13\0\0", 9));
    EXPECT_EQ(file.substr(30, chunk.size()), chunk);
    EXPECT_EQ(file.substr(30 + chunk.size(), 4), "XMP ");
    EXPECT_EQ(XmpDescription(file), kSettings);
    // An extended file keeps its header.
    AddWebpComment(folder / "v.webp", "again");
    EXPECT_EQ(FileBytes(folder / "v.webp").substr(12, 18), file.substr(12, 18));
  }
  WriteBytes(folder / "v.webp", "RIFF" + Bytes(4) + "WEBP" + std::string(40, 'x'));
  EXPECT_THAT(ErrorOf([&] { AddWebpComment(folder / "v.webp", "x"); }), HasSubstr("v.webp"));
}

TEST(WebpComment, OfOtherXmpIsSomethingOrNothing) {
  EXPECT_EQ(
      XmpDescription("<dc:description>\n <rdf:Alt><rdf:li xml:lang='x-default'>a &amp; b</rdf:li>"),
      "a & b");
  for (const char* xmp : {"", "<dc:description", "<dc:description><rdf:li", "<rdf:li>x</rdf:li>",
                          "<dc:description><rdf:li>x", "</rdf:li><dc:description><rdf:li>"}) {
    EXPECT_EQ(XmpDescription(xmp), "") << xmp;
  }
  EXPECT_EQ(XmpDescription("<dc:description><rdf:li>&amp;lt; &unknown; &</rdf:li>"),
            "&lt; &unknown; &");
}

VideoSettings CommentSettings(int64_t width, int64_t height) {
  VideoSettings settings;
  settings.width = width, settings.height = height;
  settings.metadata = {{"comment", kSettings}};
  return settings;
}

std::vector<std::string> Write(const std::string& path, int64_t width, int64_t height, int frames) {
  const auto writer = OpenVideoWriter(path, CommentSettings(width, height));
  for (int i = 0; i < frames; ++i) writer->Write(WaveFrame(width, height, i).view());
  writer->Finish();
  return writer->notes();
}

TEST(Y4mComment, FollowsTheLastFrame) {
  const TestFolder folder;
  EXPECT_THAT(Write(folder / "v.y4m", 40, 30, 3), IsEmpty());
  const std::string file = FileBytes(folder / "v.y4m");
  EXPECT_TRUE(file.ends_with("FRAME XT3COMMENT\n" + kSettings));
  const auto reader = VideoReader::Open(folder / "v.y4m");
  EXPECT_EQ(reader->info().metadata.at("comment"), kSettings);
  EXPECT_EQ(reader->info().frames, 3);
  EXPECT_EQ(reader->FrameTimes(24).size(), 3u);
  std::vector<float> rgb(3 * 40 * 30);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(reader->Read(rgb.data()));
  EXPECT_FALSE(reader->Read(rgb.data()));
  // A file that is cut within its last frame is not one with a comment.
  WriteBytes(folder / "cut.y4m", file.substr(0, file.size() - kSettings.size() - 18));
  const auto cut = VideoReader::Open(folder / "cut.y4m");
  EXPECT_THAT(ErrorOf([&] { cut->FrameTimes(24); }), HasSubstr("cut short"));
}

TEST(Y4mComment, IsLeftOutWhereFramesAreSmaller) {
  const TestFolder folder;
  EXPECT_THAT(Write(folder / "v.y4m", 16, 16, 2), ElementsAre(HasSubstr("without its settings")));
  EXPECT_EQ(VideoReader::Open(folder / "v.y4m")->info().frames, 2);
}

}  // namespace
}  // namespace t3
