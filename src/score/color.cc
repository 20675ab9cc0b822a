// Colourfulness after Hasler and Süsstrunk, and saturation as HSV has it.
#include "score/color.h"

#include <algorithm>
#include <cmath>

namespace t3 {

FrameValues ColorOf(const ScoreFrame& frame) {
  constexpr double kMeanWeight = 0.3;  // Hasler and Süsstrunk, SPIE 5007 (2003)
  const int64_t pixels = frame.pixels();
  double red_green = 0, red_green_squares = 0, yellow_blue = 0, yellow_blue_squares = 0;
  double saturation = 0;
  for (int64_t i = 0; i < pixels; ++i) {
    const double red = 127.5 * (frame.rgb[i] + 1.0), green = 127.5 * (frame.rgb[i + pixels] + 1.0);
    const double blue = 127.5 * (frame.rgb[i + 2 * pixels] + 1.0);
    const double rg = red - green, yb = (red + green) / 2 - blue;
    red_green += rg, red_green_squares += rg * rg;
    yellow_blue += yb, yellow_blue_squares += yb * yb;
    const double high = std::max({red, green, blue}), low = std::min({red, green, blue});
    if (high > 0) saturation += (high - low) / high;
  }
  const auto count = static_cast<double>(pixels);
  const double mean_rg = red_green / count, mean_yb = yellow_blue / count;
  const double variance = std::max(0.0, red_green_squares / count - mean_rg * mean_rg) +
                          std::max(0.0, yellow_blue_squares / count - mean_yb * mean_yb);
  return {std::sqrt(variance) + kMeanWeight * std::hypot(mean_rg, mean_yb), saturation / count};
}

}  // namespace t3
