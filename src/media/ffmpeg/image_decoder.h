// JPEG and WebP files through FFmpeg, in this process.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "media/image.h"

namespace t3 {

// A whole file, not turned. `path` is for messages. Throws Error.
Image DecodeImageHere(const std::string& path, std::span<const std::byte> bytes);

}  // namespace t3
