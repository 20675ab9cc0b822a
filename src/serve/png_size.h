// Previews as events carry them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace t3::serve {

struct PngFile {
  int64_t width = 0;
  int64_t height = 0;
  std::string bytes;
};

// A PNG file that a worker wrote; none where there is none. Nothing is decoded: the size is in the
// file's first bytes.
std::optional<PngFile> ReadPngFile(const std::string& path);

}  // namespace t3::serve
