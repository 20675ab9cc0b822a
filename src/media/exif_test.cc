// EXIF in every place where it is kept, in both byte orders, and damaged.
#include "media/exif.h"

#include <gtest/gtest.h>

#include <span>
#include <string>

#include "media/image.h"
#include "media/png_file.h"
#include "media/testing/frames.h"

namespace t3 {
namespace {

std::string Number(uint32_t value, int bytes, bool big_endian) {
  std::string text;
  for (int i = 0; i < bytes; ++i) {
    text += static_cast<char>(value >> 8 * (big_endian ? bytes - 1 - i : i));
  }
  return text;
}

// A TIFF header with two tags, of which the second is the orientation.
std::string Exif(int orientation, bool big) {
  const auto number = [&](uint32_t value, int bytes) { return Number(value, bytes, big); };
  return std::string(big ? "MM" : "II") + number(42, 2) + number(8, 4) + number(2, 2) +
         number(0x010F, 2) + number(2, 2) + number(2, 4) + "t3\0\0" + std::string("\0\0", 2) +
         number(0x0112, 2) + number(3, 2) + number(1, 4) +
         number(static_cast<uint32_t>(orientation), 2) + std::string(2, '\0') + number(0, 4);
}

std::string Jpeg(const std::string& exif) {
  const std::string data = std::string("Exif\0\0", 6) + exif;
  return "\xff\xd8\xff\xe0" + Number(4, 2, true) + "JF\xff\xe1" +
         Number(static_cast<uint32_t>(data.size()) + 2, 2, true) + data + "\xff\xda";
}
std::string PngChunk(const std::string& name, const std::string& data) {
  return Number(static_cast<uint32_t>(data.size()), 4, true) + name + data + "crc.";
}
std::string Png(const std::string& exif) {
  return "\x89PNG\r\n\x1a\n" + PngChunk("IHDR", std::string(13, '\0')) + PngChunk("IDAT", "x") +
         PngChunk("eXIf", exif) + PngChunk("IEND", "");
}
std::string Webp(const std::string& exif) {
  return "RIFF....WEBPVP8X" + Number(3, 4, false) + "abc." + "EXIF" +
         Number(static_cast<uint32_t>(exif.size()), 4, false) + exif;
}
std::string RawProfile(const std::string& exif) {
  std::string text = "\nexif\n      " + std::to_string(exif.size()) + "\n";
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < exif.size(); ++i) {
    const auto byte = static_cast<unsigned char>(exif[i]);
    text += {kDigits[byte / 16], kDigits[byte % 16]};
    if (i % 36 == 35) text += '\n';
  }
  return text;
}

Orientation OrientationIn(const std::string& file) {
  return ExifOrientation(std::as_bytes(std::span(file)));
}

TEST(ExifOrientation, IsFoundWhereverItIsKept) {
  for (int value = 0; value <= 9; ++value) {
    for (const bool big : {false, true}) {
      const Orientation wanted = OrientationOfExif(value);
      const std::string exif = Exif(value, big);
      EXPECT_EQ(OrientationIn(Jpeg(exif)), wanted) << value;
      EXPECT_EQ(OrientationIn(Png(exif)), wanted) << value;
      EXPECT_EQ(OrientationIn(Webp(exif)), wanted) << value;
      EXPECT_EQ(OrientationIn(Webp(std::string("Exif\0\0", 6) + exif)), wanted) << value;
      EXPECT_EQ(RawProfileOrientation(RawProfile(exif)), wanted) << value;
    }
  }
}

TEST(ExifOrientation, DamageMeansUpright) {
  for (const std::string& whole : {Jpeg(Exif(6, true)), Png(Exif(6, true)), Webp(Exif(6, true))}) {
    for (size_t size = 0; size + 24 < whole.size(); ++size) {
      OrientationIn(whole.substr(0, size));  // reads nothing beyond the end
    }
    EXPECT_TRUE(OrientationIn(whole.substr(0, whole.size() / 2)).upright());
  }
  EXPECT_TRUE(OrientationIn("").upright());
  EXPECT_TRUE(RawProfileOrientation("\nexif\n").upright());
}

// The picture 1 2 3 over 4 5 6, as it is stored so that each value shows it upright.
TEST(OrientationOfExif, TurnsEveryValueUpright) {
  const std::string stored[] = {"123456", "321654", "654321", "456123",
                                "142536", "362514", "635241", "415263"};
  // Values 5 to 8 have rows of two. With 6, the stored rows are the picture's columns, from the
  // last one on.
  for (int value = 1; value <= 8; ++value) {
    const Orientation orientation = OrientationOfExif(value);
    ASSERT_EQ(orientation.transpose, value >= 5);
    const int64_t width = value >= 5 ? 2 : 3, height = value >= 5 ? 3 : 2;
    std::string shown(6, ' ');
    Turn(stored[value - 1].data(), width, height, 1, orientation, shown.data());
    EXPECT_EQ(shown, "123456") << value;
  }
}

TEST(ReadImage, TurnsPng) {
  const TestFolder folder;
  PngPicture picture{2, 1, 8, {255, 0, 0, 0, 0, 255}, {}};
  WritePng(folder / "p.png", picture);
  std::string bytes = FileBytes(folder / "p.png");
  const std::string exif = Exif(6, false);
  // A wrong checksum: libpng warns of it in ancillary chunks and continues.
  bytes.insert(bytes.size() - 12, Number(static_cast<uint32_t>(exif.size()), 4, true) + "eXIf" +
                                      exif + std::string(4, '\0'));
  WriteBytes(folder / "turned.png", bytes);
  const Image image = ReadImage(folder / "turned.png");
  EXPECT_EQ(image.width, 1);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.rgb, (std::vector<uint8_t>{255, 0, 0, 0, 0, 255}));
}

}  // namespace
}  // namespace t3
