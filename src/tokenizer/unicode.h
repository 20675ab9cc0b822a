// UTF-8 to code points and back, and Unicode's normal forms.
#pragma once

#include <string>
#include <string_view>

namespace t3 {

constexpr char32_t kReplacementCharacter = 0xFFFD;

// Any bytes to code points. What is not UTF-8 becomes U+FFFD, one for each maximal part of a
// sequence that could have begun a character: as Python's bytes.decode(errors="replace").
std::u32string DecodeUtf8(std::string_view bytes);

// Code points, none of them a surrogate or above U+10FFFF, to UTF-8.
std::string EncodeUtf8(std::u32string_view text);

enum class NormalForm { kNfc, kNfkc };
std::u32string Normalize(std::u32string_view text, NormalForm form);

// The character that a C1 control, U+0080 to U+009F, stands for as a byte of Windows-1252; itself
// where that has none, and for every other character.
char32_t FromWindows1252(char32_t c);

// Python's str.isspace() for one character.
bool IsSpace(char32_t c);
// General category Nd, what \d matches in a Python pattern.
bool IsDecimalDigit(char32_t c);
// General categories L and N, \p{L} and \p{N}.
bool IsLetter(char32_t c);
bool IsNumber(char32_t c);
// The one character that is `c` in lower case.
char32_t LowerCase(char32_t c);

}  // namespace t3
