// Sizes of PNG files.
#include "serve/png_size.h"

#include <fstream>
#include <iterator>
#include <string_view>

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

}  // namespace t3::serve
