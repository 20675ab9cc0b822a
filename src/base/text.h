// UTF-8 text from files, prompts and names that are not trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace t3 {

bool IsUtf8(std::string_view text);

// 'text' in single quotes for a message: control characters, quotes and broken UTF-8 as \xNN (a
// name must not drive the terminal), cut after 120 bytes.
std::string Quote(std::string_view text);

// `text` whole and without quotes, its control characters and broken UTF-8 as \xNN. Line breaks
// stay.
std::string Printable(std::string_view text);

// Text of a file whose first bytes may be a byte-order mark: that of UTF-8 is removed, UTF-16
// becomes UTF-8 with U+FFFD for unpaired surrogates. Throws Error that begins with `what` for
// UTF-32 and for zero bytes, which UTF-16 without a mark has.
std::string DecodeText(std::string bytes, std::string_view what);

// `text` with U+FFFD for each byte that is not part of valid UTF-8, as JSON needs it.
std::string ReplaceInvalidUtf8(std::string_view text);

// "1 frame", "5 frames".
std::string Counted(int64_t count, std::string_view noun);

// The longest beginning of at most `bytes` bytes, or of at most `columns` columns of a terminal
// (where ideographs take two and accents none). Neither splits what a reader sees as one character.
std::string CutToBytes(std::string_view text, size_t bytes);
std::string CutToColumns(std::string_view text, size_t columns);

// A word for file names from a sentence: letters and digits of any script in lower case, hyphens
// between words, at most `columns` columns wide and 150 bytes long, cut between words where there
// is more than one. "A cat, on a mat!" -> "a-cat-on-a-mat". "" for a sentence without letters or
// digits.
std::string FileNameWord(std::string_view sentence, size_t columns);

}  // namespace t3
