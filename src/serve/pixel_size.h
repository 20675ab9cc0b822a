// Width and height of a video, as requests and plans write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace t3::serve {

struct PixelSize {
  int64_t width = 0;
  int64_t height = 0;
};
// "832x480" -> width and height; nullopt for other text.
std::optional<PixelSize> ParsePixelSize(std::string_view text);

}  // namespace t3::serve
