// The comment of a GIF file, which FFmpeg does not write.
#pragma once

#include <string>
#include <string_view>

namespace t3 {

// Puts a comment extension before the trailer of the GIF file `path`, in sub-blocks of up to 255
// bytes. Throws Error when the file does not end as GIF files do or cannot be written.
void AddGifComment(const std::string& path, std::string_view text);

// The last comment of a GIF file; empty where there is none and where the file is damaged before
// it.
std::string GifComment(std::string_view file);

}  // namespace t3
