// UTF-8 by hand; widths, cases and boundaries of characters by utf8proc.
#include "base/text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdint>

#include "base/check.h"

namespace t3 {
namespace {

// Bytes of the valid UTF-8 sequence at the start of `text`; 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and code points above U+10FFFF.
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

// A control character, among them U+0080..U+009F (C2 80..9F), which is `length` bytes long.
bool IsControl(std::string_view text, size_t length) {
  const auto first = static_cast<uint8_t>(text[0]);
  return first < 0x20 || first == 0x7F ||
         (first == 0xC2 && length == 2 && static_cast<uint8_t>(text[1]) < 0xA0);
}

// The code point of the valid sequence of `length` bytes; a byte that begins none stands for
// itself.
utf8proc_int32_t CodePoint(std::string_view text, size_t length) {
  utf8proc_int32_t code = static_cast<uint8_t>(text[0]);
  if (length > 0) {
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                     static_cast<utf8proc_ssize_t>(length), &code);
  }
  return code;
}

// The longest beginning of `text` that ends between two grapheme clusters and whose sum of `cost`
// over its code points (code point, bytes) is at most `budget`.
template <typename Cost>
std::string CutByCost(std::string_view text, size_t budget, Cost cost) {
  size_t at = 0;
  size_t spent = 0;
  size_t end = 0;  // of the last whole cluster
  utf8proc_int32_t before = 0;
  utf8proc_int32_t state = 0;
  while (at < text.size()) {
    const std::string_view rest = text.substr(at);
    const size_t length = SequenceLength(rest);
    const utf8proc_int32_t code = CodePoint(rest, length);
    if (at == 0 || utf8proc_grapheme_break_stateful(before, code, &state)) end = at;
    const size_t bytes = std::max<size_t>(length, 1);
    spent += cost(code, bytes);
    if (spent > budget) return std::string(text.substr(0, end));
    before = code;
    at += bytes;
  }
  return std::string(text);
}

void AppendUtf8(std::string& text, utf8proc_int32_t code) {
  utf8proc_uint8_t bytes[4];
  const auto size = static_cast<size_t>(utf8proc_encode_char(code, bytes));
  text.append(reinterpret_cast<const char*>(bytes), size);
}

// UTF-16 without its mark.
std::string FromUtf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](size_t i) {
    const auto first = static_cast<uint8_t>(bytes[2 * i]);
    const auto second = static_cast<uint8_t>(bytes[2 * i + 1]);
    return big_endian ? first << 8 | second : second << 8 | first;
  };
  std::string text;
  const size_t units = bytes.size() / 2;
  for (size_t i = 0; i < units; ++i) {
    const int high = unit(i);
    const int low = i + 1 < units ? unit(i + 1) : 0;
    if (high >= 0xD800 && high < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
      AppendUtf8(text, 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
      ++i;
    } else {
      AppendUtf8(text, high >= 0xD800 && high < 0xE000 ? 0xFFFD : high);
    }
  }
  return text;
}

bool IsLetterOrDigit(utf8proc_int32_t code) {
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

// Accents and vowel signs, which belong to the letter before.
bool IsMark(utf8proc_int32_t code) {
  const utf8proc_category_t category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string Quote(std::string_view text) {
  constexpr size_t kLimit = 120;
  std::string quoted = "'";
  while (!text.empty() && quoted.size() < kLimit) {
    const size_t length = SequenceLength(text);
    const auto first = static_cast<uint8_t>(text[0]);
    if (length == 0 || IsControl(text, length) || first == '\'' || first == '\\') {
      quoted += fmt::format("\\x{:02x}", first);
      text.remove_prefix(1);
    } else {
      quoted += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return quoted + (text.empty() ? "'" : "...'");
}

std::string Printable(std::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0 || (IsControl(text, length) && text[0] != '\n')) {
      printable += fmt::format("\\x{:02x}", static_cast<uint8_t>(text[0]));
      text.remove_prefix(1);
    } else {
      printable += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return printable;
}

std::string DecodeText(std::string bytes, std::string_view what) {
  using namespace std::string_view_literals;
  constexpr std::string_view kLittle32 = "\xFF\xFE\0\0"sv, kBig32 = "\0\0\xFE\xFF"sv;
  T3_CHECK(!bytes.starts_with(kLittle32) && !bytes.starts_with(kBig32),
           "{} is UTF-32 text; save it as UTF-8", what);
  const bool little = bytes.starts_with("\xFF\xFE");
  if (little || bytes.starts_with("\xFE\xFF")) {
    bytes = FromUtf16(std::string_view(bytes).substr(2), !little);
  } else if (bytes.starts_with("\xEF\xBB\xBF")) {
    bytes.erase(0, 3);
  }
  T3_CHECK(bytes.find('\0') == std::string::npos,
           "{} has zero bytes, as UTF-16 text without a byte-order mark; save it as UTF-8", what);
  return bytes;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    valid += length == 0 ? "\xEF\xBF\xBD" : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return valid;
}

std::string Counted(int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string CutToBytes(std::string_view text, size_t bytes) {
  return CutByCost(text, bytes, [](utf8proc_int32_t, size_t size) { return size; });
}

std::string CutToColumns(std::string_view text, size_t columns) {
  return CutByCost(text, columns, [](utf8proc_int32_t code, size_t) {
    return static_cast<size_t>(std::max(0, utf8proc_charwidth(code)));
  });
}

std::string FileNameWord(std::string_view sentence, size_t columns) {
  constexpr size_t kMaxBytes = 150;  // accents take no column
  std::string word;
  while (!sentence.empty()) {
    const size_t length = SequenceLength(sentence);
    const utf8proc_int32_t code = CodePoint(sentence, length);
    const bool follows_letter = !word.empty() && word.back() != '-';
    if (length > 0 && (IsLetterOrDigit(code) || (follows_letter && IsMark(code)))) {
      AppendUtf8(word, utf8proc_tolower(code));
    } else if (follows_letter && utf8proc_category(code) != UTF8PROC_CATEGORY_CF) {
      word += '-';  // but not at what joins or separates letters without being seen
    }
    sentence.remove_prefix(std::max<size_t>(length, 1));
  }
  const std::string cut = CutToBytes(CutToColumns(word, columns), kMaxBytes);
  if (cut.size() < word.size()) {
    const size_t hyphen = word[cut.size()] == '-' ? std::string::npos : cut.rfind('-');
    word = cut.substr(0, hyphen);
  }
  while (!word.empty() && word.back() == '-') word.pop_back();
  return word;
}

}  // namespace t3
