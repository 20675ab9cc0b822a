// The description of a WebP file as XMP, which FFmpeg does not write.
#pragma once

#include <string>
#include <string_view>

namespace t3 {

// Appends `text` as dc:description in an XMP chunk. A file of one plain picture becomes an extended
// one for that. Throws Error when the file is not WebP or cannot be written.
void AddWebpComment(const std::string& path, std::string_view text);

// dc:description of an XMP packet, in the form that AddWebpComment and XMP editors write; empty
// where there is none.
std::string XmpDescription(std::string_view xmp);

}  // namespace t3
