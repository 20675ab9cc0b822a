// Single pictures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

struct Image {
  int64_t width = 0;
  int64_t height = 0;
  std::vector<uint8_t> rgb;  // (height, width, 3)
};

// Reads a PNG, JPEG or WebP file, told by its first bytes (JPEG and WebP need a build with FFmpeg).
// As Pillow's convert("RGB"): alpha is dropped, grey and palettes are expanded, of 16 bits the
// upper 8 are kept, gamma and ICC profiles are ignored. A JPEG's EXIF orientation is applied, which
// Pillow leaves to its caller. Throws Error on anything else, broken or cut short.
Image ReadImage(const std::string& path);

// Scales to cover width x height and cuts out the centre, as official Wan prepares its first frame:
// scale = max(width/w, height/h), sizes rounded half to even, Lanczos with Pillow's fixed-point
// arithmetic (the same bytes). An image of the exact size is returned as it is.
Image ResizeCover(const Image& image, int64_t width, int64_t height);

// Lanczos (3 lobes, antialiased) to width x height, equal to Pillow's Image.resize(..., LANCZOS).
Image ResizeLanczos(const Image& image, int64_t width, int64_t height);

}  // namespace t3
