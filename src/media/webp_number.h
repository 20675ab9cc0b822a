// Numbers of a WebP file, which are little-endian.
#pragma once

#include <cstdint>
#include <string_view>

namespace t3 {

// `count` <= 4 bytes of `text` from `position` on, which must be in it.
inline uint32_t WebpNumber(std::string_view text, size_t position, int count) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) {
    const char byte = text[position + static_cast<size_t>(i)];
    value |= uint32_t{static_cast<unsigned char>(byte)} << (8 * i);
  }
  return value;
}

}  // namespace t3
