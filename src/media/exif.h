// The orientation that a camera or an editor noted in an image file.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "media/orientation.h"

namespace t3 {

// Finds EXIF in a whole JPEG (APP1), PNG (eXIf) or WebP (EXIF) file. Upright where there is none,
// or where it is damaged: orientation is worth no error.
Orientation ExifOrientation(std::span<const std::byte> file);

// Of a PNG text "Raw profile type exif", which held EXIF before the chunk eXIf existed.
Orientation RawProfileOrientation(std::string_view text);

}  // namespace t3
