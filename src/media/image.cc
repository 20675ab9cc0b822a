// Recognising a picture by its first bytes, and turning it upright.
#include "media/image.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/mapped_file.h"
#include "media/backends.h"
#include "media/exif.h"
#include "media/png_file.h"

namespace t3 {
namespace {

Image Upright(Image image, const Orientation& orientation) {
  if (orientation.upright()) return image;
  Image turned{image.width, image.height, std::vector<uint8_t>(image.rgb.size())};
  if (orientation.transpose) std::swap(turned.width, turned.height);
  Turn(image.rgb.data(), image.width, image.height, 3, orientation, turned.rgb.data());
  return turned;
}

Orientation PngOrientation(const MappedFile& file, const PngPicture& png) {
  for (const char* key : {"Raw profile type exif", "Raw profile type APP1"}) {
    const auto found = png.text.find(key);
    if (found != png.text.end()) return RawProfileOrientation(found->second);
  }
  return ExifOrientation(file.bytes());
}

}  // namespace

Image ReadImage(const std::string& path) {
  const MappedFile file(path);
  if (LooksLikePng(path)) {
    PngPicture png = ReadPng(path, /*keep_16_bits=*/false);
    const Orientation orientation = PngOrientation(file, png);
    return Upright({png.width, png.height, std::move(png.data)}, orientation);
  }
  return Upright(DecodeCompressedImage(path, file.bytes()), ExifOrientation(file.bytes()));
}

Image ImageOfPlanes(const float* planes, int64_t width, int64_t height) {
  const int64_t pixels = width * height;
  Image image{width, height, std::vector<uint8_t>(static_cast<size_t>(3 * pixels))};
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t i = 0; i < pixels; ++i) {
      const float value = std::clamp(*planes++, -1.f, 1.f);
      image.rgb[static_cast<size_t>(3 * i + c)] =
          static_cast<uint8_t>(std::lround((value + 1) * 127.5f));
    }
  }
  return image;
}

void ToPlanes(const Image& image, float* planes) {
  const int64_t pixels = image.width * image.height;
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t i = 0; i < pixels; ++i) {
      *planes++ = static_cast<float>(image.rgb[static_cast<size_t>(3 * i + c)]) / 127.5f - 1;
    }
  }
}

}  // namespace t3
