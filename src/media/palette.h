// Pictures of up to 256 colours, for GIF.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace t3 {

struct PalettePicture {
  std::array<uint32_t, 256> colours{};  // 0xFFRRGGBB; unused ones repeat the first
  std::vector<uint8_t> indices;         // (height, width)
};

// The colours by median cut over the picture, the pixels by ordered dithering: a pattern that stays
// in place from frame to frame, while diffused errors would crawl. `rgb` is (height, width, 3).
PalettePicture ToPalette(const uint8_t* rgb, int64_t width, int64_t height);

}  // namespace t3
