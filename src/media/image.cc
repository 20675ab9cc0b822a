// Telling pictures apart by their first bytes.
#include "media/image.h"

#include "base/check.h"
#include "base/mapped_file.h"
#include "media/backends.h"
#include "media/png_file.h"

namespace t3 {

Image ReadImage(const std::string& path) {
  if (LooksLikePng(path)) {
    PngPicture png = ReadPng(path, /*keep_16_bits=*/false);
    return {png.width, png.height, std::move(png.data)};
  }
  const MappedFile file(path);
  return DecodeCompressedImage(path, file.bytes());
}

}  // namespace t3
