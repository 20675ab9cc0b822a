// Where a Y4M file has a comment.
#pragma once

#include <string_view>

namespace t3 {

// Headers of Y4M hold less than a hundred characters in FFmpeg. So a comment follows the last
// frame: this line, then the text up to the end of the file. It is shorter than a frame, so that
// readers which do not know it see a file that ends within a frame: FFmpeg stops there without an
// error.
inline constexpr std::string_view kY4mCommentLine = "FRAME XT3COMMENT\n";

}  // namespace t3
