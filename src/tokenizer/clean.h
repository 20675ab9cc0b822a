// Cleaning of prompts, as Wan's pipelines do before they tokenize.
#pragma once

#include <string>
#include <string_view>

namespace t3 {

// Any bytes to clean UTF-8: ftfy's fix_text, Python's html.unescape twice, runs of white space to
// one space, trimmed. Bytes that are not UTF-8 count as U+FFFD (DecodeUtf8). Left out is ftfy's
// repair of text that was once decoded wrongly ("sÃ³" for "só", its option fix_encoding): such
// text is not changed. Everything else equals ftfy 6.3 but for characters that are younger
// than the Unicode version of either side.
std::string CleanText(std::string_view utf8);

}  // namespace t3
