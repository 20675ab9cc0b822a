// Sizes of PNG files, and base64.
#include "serve/png_size.h"

#include <fstream>
#include <iterator>

namespace t3::serve {
namespace {

int64_t BigEndian(std::string_view bytes) {
  int64_t value = 0;
  for (const char byte : bytes) value = value * 256 + static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

std::optional<PngFile> ReadPngFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  PngFile png;
  png.bytes = {std::istreambuf_iterator<char>(file), {}};
  constexpr size_t kWidthAt = 16, kHeightAt = 20;
  if (png.bytes.size() < kHeightAt + 4) return std::nullopt;
  png.width = BigEndian(std::string_view(png.bytes).substr(kWidthAt, 4));
  png.height = BigEndian(std::string_view(png.bytes).substr(kHeightAt, 4));
  return png;
}

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - at);
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (size_t i = 0; i < 4; ++i) text += i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

}  // namespace t3::serve
