// Known points of the curves.
#include "media/hdr_to_sdr.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace t3 {
namespace {

// One pixel of code values in [0, 1], converted.
std::array<double, 3> Converted(const ColourVolume& from, double r, double g, double b) {
  std::array<float, 3> rgb{};
  const double in[3] = {r, g, b};
  for (int c = 0; c < 3; ++c) rgb[c] = static_cast<float>(2 * in[c] - 1);
  ToBt709(from, 1, rgb.data(), 1);
  return {(rgb[0] + 1) / 2, (rgb[1] + 1) / 2, (rgb[2] + 1) / 2};
}

void ExpectGrey(const ColourVolume& from, double code, double wanted) {
  const auto rgb = Converted(from, code, code, code);
  for (const double value : rgb) EXPECT_NEAR(value, wanted, 0.003) << code;
}

TEST(ToBt709, PqKeepsShadowsAndCompressesHighlights) {
  const ColourVolume pq{Transfer::kPq, Gamut::kBt2020};
  ExpectGrey(pq, 0, 0);
  // Codes of BT.2100's table: 10 cd/m2 and 50 cd/m2 lie below the knee.
  ExpectGrey(pq, 0.3011, std::pow(10.0 / 203, 1 / 2.4));
  ExpectGrey(pq, 0.4403, std::pow(50.0 / 203, 1 / 2.4));
  ExpectGrey(pq, 0.7518, 1);  // 1,000 cd/m2
  ExpectGrey(pq, 1, 1);       // 10,000 cd/m2
  // Reference white is below SDR white, which leaves room for highlights, yet not far below.
  const double white = Converted(pq, 0.5807, 0.5807, 0.5807)[0];
  EXPECT_GT(white, 0.75);
  EXPECT_LT(white, 0.95);
  double last = 0;
  for (double code = 0.01; code <= 0.75; code += 0.01) {
    const double value = Converted(pq, code, code, code)[1];
    EXPECT_GT(value, last) << code;
    last = value;
  }
}

TEST(ToBt709, HlgIsPqOfItsDisplay) {
  const ColourVolume hlg{Transfer::kHlg, Gamut::kBt2020}, pq{Transfer::kPq, Gamut::kBt2020};
  ExpectGrey(hlg, 0, 0);
  ExpectGrey(hlg, 1, 1);
  // 75 % HLG is 203 cd/m2 (BT.2408).
  ExpectGrey(hlg, 0.75, Converted(pq, 0.5807, 0.5807, 0.5807)[0]);
}

TEST(ToBt709, WideGamutKeepsGreysAndMovesColours) {
  const ColourVolume wide{Transfer::kBt1886, Gamut::kBt2020};
  for (const double code : {0.0, 0.2, 0.5, 0.9, 1.0}) ExpectGrey(wide, code, code);
  // BT.709's red, written in BT.2020 primaries (BT.2087), comes back.
  const double r = std::pow(0.627404, 1 / 2.4), g = std::pow(0.069097, 1 / 2.4),
               b = std::pow(0.016391, 1 / 2.4);
  const auto red = Converted(wide, r, g, b);
  EXPECT_NEAR(red[0], 1, 0.004);
  EXPECT_NEAR(red[1], 0, 0.03);
  EXPECT_NEAR(red[2], 0, 0.03);
  for (const double code : {0.0, 0.4, 1.0}) {
    ExpectGrey({Transfer::kBt1886, Gamut::kDisplayP3}, code, code);
  }
}

TEST(ToBt709, HuesSurviveCompression) {
  const ColourVolume pq{Transfer::kPq, Gamut::kBt709};
  // Twice as much red light as green, three times as bright as SDR white.
  const auto rgb = Converted(pq, 0.6993, 0.6287, 0.6287);
  const double ratio = std::pow(rgb[0] / rgb[1], 2.4);
  EXPECT_NEAR(ratio, 2, 0.1);
}

}  // namespace
}  // namespace t3
