// Three bytes are four letters of six bits.
#include "base/base64.h"

#include <algorithm>
#include <cstdint>

#include "base/check.h"

namespace t3 {
namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string ToBase64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k) text += k <= count ? kLetters[bits >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string FromBase64(std::string_view text) {
  T3_CHECK(text.size() % 4 == 0, "base64: {} letters, wanted a multiple of 4", text.size());
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t bits = 0;
    for (size_t k = i; k < i + 4; ++k) {
      const bool padded = k >= text.size() - padding;
      const size_t value = padded ? 0 : kLetters.find(text[k]);
      T3_CHECK(value != std::string_view::npos, "base64: letter {} is none of its alphabet", k);
      bits = bits << 6 | static_cast<uint32_t>(value);
    }
    for (int shift = 16; shift >= 0; shift -= 8)
      bytes += static_cast<char>(static_cast<unsigned char>(bits >> shift & 255));
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace t3
