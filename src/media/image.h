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

// Larger pictures and frames are refused before memory is allocated for them: a file of some
// kilobytes can claim any size.
inline constexpr int64_t kMaxPixels = int64_t{1} << 28;

// Reads a PNG, JPEG or WebP file, recognised by its first bytes (JPEG and WebP need a build with
// FFmpeg). Like Pillow's exif_transpose and convert("RGB"): EXIF orientation is applied,
// alpha is dropped, grey and palettes are expanded, the upper 8 of 16 bits are used, gamma and ICC
// profiles are ignored. Throws Error on anything else, on HDR, and on broken or truncated files.
Image ReadImage(const std::string& path);

// Scales to cover width x height and crops at the centre, as official Wan prepares its first frame:
// scale = max(width/w, height/h), sizes rounded half to even, Lanczos with Pillow's fixed-point
// arithmetic (the same bytes). An image of the exact size is returned as it is.
Image ResizeCover(const Image& image, int64_t width, int64_t height);

// Lanczos (3 lobes, antialiased) to width x height, equal to Pillow's Image.resize(..., LANCZOS).
Image ResizeLanczos(const Image& image, int64_t width, int64_t height);
// The same for Pillow's BICUBIC.
Image ResizeBicubic(const Image& image, int64_t width, int64_t height);

// Planar fp32 in [-1, 1], (3, height, width), rounded to 8 bits (values outside are clamped), and
// back.
Image ImageOfPlanes(const float* planes, int64_t width, int64_t height);
void ToPlanes(const Image& image, float* planes);

}  // namespace t3
