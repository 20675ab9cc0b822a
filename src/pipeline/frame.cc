// Frames as bytes.
#include <algorithm>
#include <cmath>

#include "t3video/request.h"

namespace t3 {

std::vector<uint8_t> ToRgb8(const Frame& frame) {
  const auto pixels = static_cast<size_t>(frame.width * frame.height);
  std::vector<uint8_t> bytes(3 * pixels);
  for (size_t channel = 0; channel < 3; ++channel) {
    for (size_t i = 0; i < pixels; ++i) {
      const float value = frame.rgb[channel * pixels + i];
      const float code = std::isnan(value) ? 0 : std::clamp((value + 1) * 127.5F, 0.F, 255.F);
      bytes[3 * i + channel] = static_cast<uint8_t>(std::lround(code));
    }
  }
  return bytes;
}

}  // namespace t3
