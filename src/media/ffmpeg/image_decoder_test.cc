// JPEG and WebP against Pillow, and broken files.
#include <gmock/gmock.h>

#include <algorithm>

#include "media/image.h"
#include "media/testing/frames.h"

namespace t3 {
namespace {

void ExpectLike(const std::string& name, const std::string& pillow, double mean, int largest) {
  const Image ours = ReadImage(MediaData(name)), theirs = ReadImage(MediaData(pillow));
  ASSERT_EQ(ours.width, theirs.width) << name;
  ASSERT_EQ(ours.height, theirs.height) << name;
  double sum = 0;
  int worst = 0;
  for (size_t i = 0; i < ours.rgb.size(); ++i) {
    const int difference = std::abs(ours.rgb[i] - theirs.rgb[i]);
    sum += difference;
    worst = std::max(worst, difference);
  }
  EXPECT_LE(sum / static_cast<double>(ours.rgb.size()), mean) << name;
  EXPECT_LE(worst, largest) << name;
}

TEST(DecodeCompressedImage, IsCloseToPillow) {
  // Decoders differ in the last bit of the transform and in how they widen chroma.
  ExpectLike("turned.jpg", "turned.png", 0.7, 4);
  ExpectLike("mirrored.jpg", "mirrored.png", 0.7, 4);
  ExpectLike("grey.jpg", "grey_jpg.png", 0.2, 1);
  ExpectLike("lossy.webp", "lossy_webp.png", 0.7, 4);
  ExpectLike("lossless.webp", "lossless_webp.png", 0, 0);
}

TEST(DecodeCompressedImage, RejectsTruncation) {
  const TestFolder folder;
  for (const char* name : {"turned.jpg", "grey.jpg", "lossy.webp", "lossless.webp"}) {
    const std::string whole = FileBytes(MediaData(name));
    for (size_t size = 0; size < whole.size() - 2; size += 1 + size / 5) {
      WriteBytes(folder / name, whole.substr(0, size));
      EXPECT_THROW(ReadImage(folder / name), Error) << name << " cut to " << size;
    }
  }
}

TEST(DecodeCompressedImage, SurvivesDamage) {
  const TestFolder folder;
  for (const char* name : {"turned.jpg", "lossy.webp", "lossless.webp"}) {
    const std::string whole = FileBytes(MediaData(name));
    for (size_t i = 0; i < whole.size(); i += 23) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ 0xa5);
      WriteBytes(folder / name, damaged);
      try {
        const Image image = ReadImage(folder / name);
        EXPECT_EQ(image.rgb.size(), static_cast<size_t>(3 * image.width * image.height));
      } catch (const Error&) {
      }
    }
  }
}

}  // namespace
}  // namespace t3
