// Against the 8-bit resize, which is Pillow's, and what 8 bits would lose.
#include "media/cover_resize.h"

#include <gtest/gtest.h>

#include "media/image.h"
#include "media/testing/frames.h"

namespace t3 {
namespace {

std::vector<float> Resized(const TestFrame& in, double pixel_aspect, int64_t width, int64_t height,
                           int threads = 2) {
  std::vector<float> out(static_cast<size_t>(3 * width * height));
  CoverResize(in.width, in.height, pixel_aspect, width, height)
      .Resize(in.samples.data(), out.data(), threads);
  return out;
}

TEST(CoverResize, IsTheEightBitResizeWithoutRounding) {
  Image image = ReadImage(MediaData("noise_37x29.png"));
  for (uint8_t& code : image.rgb) code = static_cast<uint8_t>(85 + code / 3);  // nothing overshoots
  TestFrame in(37, 29);
  ToPlanes(image, in.samples.data());
  for (const auto& [width, height] :
       {std::pair<int64_t, int64_t>{16, 16}, {80, 48}, {24, 29}, {5, 3}, {211, 130}, {37, 29}}) {
    const Image rounded = ResizeCover(image, width, height);
    std::vector<float> wanted(static_cast<size_t>(3 * width * height));
    ToPlanes(rounded, wanted.data());
    // It rounds to 8 bits after each direction.
    EXPECT_LT(LargestDifference(Resized(in, 1, width, height), wanted), 2.1 / 127.5)
        << width << "x" << height;
  }
}

TEST(CoverResize, KeepsMoreThanEightBits) {
  TestFrame in(64, 8);
  for (int64_t i = 0; i < std::ssize(in.samples); ++i) {
    in.samples[i] = static_cast<float>(i % 64) * 1e-4f;  // all within one code of 8 bits
  }
  const auto out = Resized(in, 1, 128, 16);
  for (int64_t x = 12; x < 116; ++x) {
    EXPECT_NEAR(out[8 * 128 + x], (static_cast<double>(x) / 2 - .25) * 1e-4, 2e-6) << x;
  }
}

TEST(CoverResize, StretchesPixelsAndCropsTheMiddle) {
  TestFrame in(40, 20);  // shown as 80x20
  for (int64_t i = 0; i < std::ssize(in.samples); ++i) {
    in.samples[i] = static_cast<float>(i % 40) / 40;
  }
  CoverResize resize(40, 20, 2, 40, 20);  // its middle half
  EXPECT_DOUBLE_EQ(resize.kept_width(), .5);
  EXPECT_DOUBLE_EQ(resize.kept_height(), 1);
  std::vector<float> out(3 * 40 * 20);
  resize.Resize(in.samples.data(), out.data(), 1);
  EXPECT_NEAR(out[400], 9.75 / 40, 1e-3);
  EXPECT_NEAR(out[439], 29.25 / 40, 1e-3);
  EXPECT_EQ(Resized(in, 2, 33, 77, 1), Resized(in, 2, 33, 77, 5));
}

TEST(CoverResize, OfOnePixel) {
  const auto out = Resized(FlatFrame(1, 1, .5f, -1, 1), 1, 7, 3);
  EXPECT_LT(LargestDifference(out, FlatFrame(7, 3, .5f, -1, 1).samples), 1e-6);
}

}  // namespace
}  // namespace t3
