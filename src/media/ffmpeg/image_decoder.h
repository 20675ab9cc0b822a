// JPEG and WebP files through FFmpeg, in this process.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "media/image.h"

namespace t3 {

// A whole file, not turned. `path` is for messages; `alpha` as in DecodeCompressedImage. Throws
// Error.
Image DecodeImageHere(const std::string& path, std::span<const std::byte> bytes,
                      std::vector<uint8_t>& alpha);

}  // namespace t3
