// UTF-8 decoding and encoding; normal forms and categories by utf8proc.
#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "base/check.h"

namespace t3 {
namespace {

// Bytes 80..9F of Windows-1252; 0 where it has no character.
constexpr char16_t kWindows1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

// How a character that starts with a given byte goes on (Unicode's table of well-formed UTF-8).
struct Lead {
  int continuation;      // bytes that follow; -1 where no character starts so
  unsigned char lowest;  // range of the second byte; later ones are 80..BF
  unsigned char highest;
  char32_t bits;  // what the lead byte contributes
};

Lead ClassifyLead(unsigned char byte) {
  const char32_t value = byte;
  if (byte < 0x80) return {0, 0, 0, value};
  if (byte < 0xC2) return {-1, 0, 0, 0};
  if (byte < 0xE0) return {1, 0x80, 0xBF, value & 0x1F};
  if (byte == 0xE0) return {2, 0xA0, 0xBF, 0};
  if (byte == 0xED) return {2, 0x80, 0x9F, 0xD};
  if (byte < 0xF0) return {2, 0x80, 0xBF, value & 0x0F};
  if (byte == 0xF0) return {3, 0x90, 0xBF, 0};
  if (byte < 0xF4) return {3, 0x80, 0xBF, value & 0x07};
  if (byte == 0xF4) return {3, 0x80, 0x8F, 4};
  return {-1, 0, 0, 0};
}

// Reads the character at `position` and moves past it, or past the faulty part.
char32_t DecodeOne(std::string_view bytes, size_t& position) {
  const Lead lead = ClassifyLead(static_cast<unsigned char>(bytes[position++]));
  if (lead.continuation < 0) return kReplacementCharacter;
  char32_t value = lead.bits;
  for (int i = 0; i < lead.continuation; ++i) {
    if (position == bytes.size()) return kReplacementCharacter;
    const auto byte = static_cast<unsigned char>(bytes[position]);
    const unsigned char lowest = i == 0 ? lead.lowest : 0x80;
    const unsigned char highest = i == 0 ? lead.highest : 0xBF;
    if (byte < lowest || byte > highest) return kReplacementCharacter;
    value = value << 6 | (byte & 0x3F);
    ++position;
  }
  return value;
}

}  // namespace

std::u32string DecodeUtf8(std::string_view bytes) {
  std::u32string text;
  text.reserve(bytes.size());
  for (size_t position = 0; position < bytes.size();) text += DecodeOne(bytes, position);
  return text;
}

std::string EncodeUtf8(std::u32string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (const char32_t c : text) {
    utf8proc_uint8_t buffer[4];
    const utf8proc_ssize_t size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), buffer);
    bytes.append(reinterpret_cast<const char*>(buffer), static_cast<size_t>(size));
  }
  return bytes;
}

std::u32string Normalize(std::u32string_view text, NormalForm form) {
  int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
  if (form == NormalForm::kNfkc) options |= UTF8PROC_COMPAT;
  const std::string bytes = EncodeUtf8(text);
  utf8proc_uint8_t* output = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                   static_cast<utf8proc_ssize_t>(bytes.size()), &output,
                   static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(output, &std::free);
  T3_CHECK(size >= 0, "the text of {} bytes cannot be normalised: {}", bytes.size(),
           utf8proc_errmsg(size));
  return DecodeUtf8({reinterpret_cast<const char*>(output), static_cast<size_t>(size)});
}

char32_t FromWindows1252(char32_t c) {
  if (c < 0x80 || c > 0x9F) return c;
  const char32_t mapped = kWindows1252[c - 0x80];
  return mapped == 0 ? c : mapped;
}

bool IsSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

bool IsDecimalDigit(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_ND;
}

bool IsLetter(char32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool IsNumber(char32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

char32_t LowerCase(char32_t c) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

}  // namespace t3
