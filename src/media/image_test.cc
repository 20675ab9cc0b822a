// Pictures against Pillow, and broken files.
#include "media/image.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "media/png_file.h"
#include "media/testing/frames.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

Image Fixture(const std::string& name) { return ReadImage(MediaData(name)); }

int LargestByteDifference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height || a.rgb.size() != b.rgb.size()) return 256;
  int largest = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i)
    largest = std::max(largest, std::abs(a.rgb[i] - b.rgb[i]));
  return largest;
}

TEST(ResizeCover, EqualsPillow) {
  const Image image = Fixture("noise_37x29.png");
  for (const auto& [width, height] : {std::pair{16, 16}, {80, 48}, {37, 20}, {24, 29}, {5, 3}}) {
    const std::string name =
        "cover_" + std::to_string(width) + "x" + std::to_string(height) + ".png";
    EXPECT_EQ(LargestByteDifference(ResizeCover(image, width, height), Fixture(name)), 0) << name;
  }
}

TEST(ResizeCover, LeavesTheExactSizeAlone) {
  const Image image = Fixture("noise_37x29.png");
  EXPECT_EQ(ResizeCover(image, 37, 29).rgb, image.rgb);
}

TEST(ResizeLanczos, RejectsEmptySizes) {
  EXPECT_THROW(ResizeLanczos(Image{}, 4, 4), Error);
  EXPECT_THROW(ResizeCover(Image{}, 4, 4), Error);
  EXPECT_THROW(ResizeLanczos(Fixture("noise_37x29.png"), 0, 4), Error);
}

TEST(ReadImage, ExpandsEveryKindOfPngAsPillowDoes) {
  for (const std::string name : {"rgba", "palette", "grey_alpha", "bilevel"}) {
    EXPECT_EQ(LargestByteDifference(Fixture(name + ".png"), Fixture(name + "_rgb.png")), 0) << name;
  }
}

TEST(ReadImage, RejectsWhatIsNoImage) {
  const TestFolder folder;
  EXPECT_THROW(ReadImage(folder / "absent.png"), Error);
  EXPECT_THROW(ReadImage(folder.path().string()), Error);
  for (const std::string bytes : {"", "x", "GIF89a.....", "\x89PNG", "RIFF1234WEBP"}) {
    WriteBytes(folder / "file", bytes);
    EXPECT_THROW(ReadImage(folder / "file"), Error) << bytes;
  }
}

TEST(ReadPng, RejectsEveryTruncation) {
  const TestFolder folder;
  const std::string whole = FileBytes(MediaData("palette.png"));
  for (size_t size = 0; size < whole.size(); ++size) {
    WriteBytes(folder / "cut.png", whole.substr(0, size));
    EXPECT_THROW(ReadImage(folder / "cut.png"), Error) << size;
  }
}

TEST(ReadPng, SurvivesEveryDamagedByte) {
  const TestFolder folder;
  const std::string whole = FileBytes(MediaData("grey_alpha.png"));
  int rejected = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x5a);
    WriteBytes(folder / "damaged.png", damaged);
    try {
      ReadImage(folder / "damaged.png");
    } catch (const Error&) {
      ++rejected;
    }
  }
  EXPECT_GT(rejected, static_cast<int>(whole.size()) * 9 / 10);
}

uint32_t Crc(const std::string& bytes) {
  uint32_t crc = ~0u;
  for (unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
  }
  return ~crc;
}
std::string BigEndian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

TEST(ReadPng, AllocatesNothingForAnEmptyPromise) {
  const TestFolder folder;
  std::string header = "IHDR" + BigEndian(60000) + BigEndian(60000);
  header += std::string({16, 6, 0, 0, 0});
  WriteBytes(folder / "huge.png", "\x89PNG\r\n\x1a\n" + BigEndian(13) + header +
                                      BigEndian(Crc(header)) + BigEndian(0) + "IDAT" +
                                      BigEndian(Crc("IDAT")));
  EXPECT_THAT(ErrorOf([&] { ReadImage(folder / "huge.png"); }), HasSubstr("60000x60000"));
}

TEST(WritePng, KeepsBothDepthsAndText) {
  const TestFolder folder;
  for (int bits : {8, 16}) {
    PngPicture picture;
    picture.width = 5;
    picture.height = 3;
    picture.bits = bits;
    picture.text = {{"t3video", R"({"prompt":"a \"cat\""})"}, {"note", "\xe7\x8c\xab"}};
    picture.data.resize(5 * 3 * 3 * bits / 8);
    for (size_t i = 0; i < picture.data.size(); ++i) picture.data[i] = static_cast<uint8_t>(7 * i);
    WritePng(folder / "x.png", picture);
    const PngPicture back = ReadPng(folder / "x.png", true);
    EXPECT_EQ(back.bits, bits);
    EXPECT_EQ(back.data, picture.data);
    EXPECT_EQ(back.text, picture.text);
    const Image image = ReadImage(folder / "x.png");
    EXPECT_EQ(image.rgb[1], bits == 8 ? picture.data[1] : picture.data[3]);  // the upper byte
  }
}

TEST(WritePng, NamesTheReason) {
  PngPicture picture;
  picture.width = picture.height = 300;
  picture.data.resize(300 * 300 * 3);
  EXPECT_THAT(ErrorOf([&] { WritePng("/dev/full", picture); }), HasSubstr("No space left"));
  EXPECT_THAT(ErrorOf([&] { WritePng("/nowhere/x.png", picture); }), HasSubstr("No such file"));
}

}  // namespace
}  // namespace t3
