// Parsing WIDTHxHEIGHT.
#include "serve/pixel_size.h"

#include "base/parse_number.h"

namespace t3::serve {

std::optional<PixelSize> ParsePixelSize(std::string_view text) {
  const size_t x = text.find('x');
  if (x == std::string_view::npos) return std::nullopt;
  const auto width = ParseNumber<int64_t>(text.substr(0, x));
  const auto height = ParseNumber<int64_t>(text.substr(x + 1));
  if (!width || !height) return std::nullopt;
  return PixelSize{*width, *height};
}

}  // namespace t3::serve
