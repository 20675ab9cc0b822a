// Few colours exactly, many closely.
#include "media/palette.h"

#include <gtest/gtest.h>

#include <cmath>

namespace t3 {
namespace {

int Channel(const PalettePicture& picture, size_t pixel, int c) {
  return static_cast<int>(picture.colours[picture.indices[pixel]] >> (16 - 8 * c) & 0xFF);
}

TEST(ToPalette, FewColoursAreExact) {
  const std::vector<uint8_t> rgb{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 9, 80, 7};
  const PalettePicture picture = ToPalette(rgb.data(), 3, 2);
  for (size_t i = 0; i < rgb.size(); ++i) {
    EXPECT_EQ(Channel(picture, i / 3, static_cast<int>(i % 3)), rgb[i]) << i;
  }
}

TEST(ToPalette, GradientsAreCloseOnAverage) {
  constexpr int64_t kSide = 128;
  std::vector<uint8_t> rgb;
  for (int64_t y = 0; y < kSide; ++y) {
    for (int64_t x = 0; x < kSide; ++x) {
      rgb.push_back(static_cast<uint8_t>(2 * x));
      rgb.push_back(static_cast<uint8_t>(2 * y));
      rgb.push_back(static_cast<uint8_t>(255 - x - y));
    }
  }
  const PalettePicture picture = ToPalette(rgb.data(), kSide, kSide);
  // Over blocks of 8x8 pixels, dithering gives the colour back.
  for (int64_t block_y = 0; block_y < kSide; block_y += 8) {
    for (int64_t block_x = 0; block_x < kSide; block_x += 8) {
      for (int c = 0; c < 3; ++c) {
        double difference = 0;
        for (int64_t i = 0; i < 64; ++i) {
          const int64_t pixel = (block_y + i / 8) * kSide + block_x + i % 8;
          difference += Channel(picture, static_cast<size_t>(pixel), c) - rgb[3 * pixel + c];
        }
        EXPECT_LT(std::abs(difference / 64), 14) << block_x << " " << block_y << " " << c;
      }
    }
  }
}

}  // namespace
}  // namespace t3
