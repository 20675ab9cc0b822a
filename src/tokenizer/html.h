// HTML character references.
#pragma once

#include <string>
#include <string_view>

namespace t3 {

// Python's html.unescape: HTML 5's rules, with the names that need no semicolon ("&ampx" is "&x").
// A decimal number of more than 4,300 digits, at which Python raises ValueError, is U+FFFD here.
std::u32string UnescapeHtml(std::u32string_view text);

// ftfy's unescape_html: only references that end in a semicolon, at most 24 characters long, and
// in addition upper-case spellings ("&EACUTE;").
std::u32string UnescapeTerminatedHtml(std::u32string_view text);

}  // namespace t3
