// Named references come from entities.inc; numeric ones follow HTML 5's table of exceptions.
#include "tokenizer/html.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>

#include "tokenizer/unicode.h"

namespace t3 {
namespace {

struct Entity {
  std::string_view name;  // without '&', with the semicolon where it is needed
  std::u32string_view text;
};

#include "tokenizer/entities.inc"

constexpr size_t kLongestRun = 32;         // characters that html.unescape looks at after '&'
constexpr size_t kLongestTerminated = 24;  // and ftfy

bool IsDigit(char32_t c) { return c >= '0' && c <= '9'; }
bool IsAsciiLetter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsHexDigit(char32_t c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::optional<std::u32string_view> FindEntity(std::span<const Entity> table,
                                              std::u32string_view name) {
  std::string ascii;
  for (const char32_t c : name) {
    if (c >= 0x80) return std::nullopt;
    ascii += static_cast<char>(c);
  }
  const auto found = std::lower_bound(
      table.begin(), table.end(), ascii,
      [](const Entity& entity, const std::string& key) { return entity.name < key; });
  if (found == table.end() || found->name != ascii) return std::nullopt;
  return found->text;
}

// Characters that a reference may not produce and that vanish: controls and non-characters.
bool IsDropped(char32_t c) {
  const bool control =
      (c < 0x20 && c != 0x09 && c != 0x0A && c != 0x0C && c != 0x0D) || (c >= 0x7F && c <= 0x9F);
  return control || (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE;
}

std::u32string NumericText(char32_t number) {
  if (number >= 0x80 && number <= 0x9F) return std::u32string(1, FromWindows1252(number));
  const bool surrogate = number >= 0xD800 && number <= 0xDFFF;
  if (number == 0 || surrogate || number > 0x10FFFF) {
    return std::u32string(1, kReplacementCharacter);
  }
  return IsDropped(number) ? std::u32string() : std::u32string(1, number);
}

struct Parsed {
  size_t length;  // characters read, '&' included
  std::u32string text;
};

// "&#65;", "&#x41" at the start of `text`; nothing where no digit follows.
std::optional<Parsed> ParseNumeric(std::u32string_view text) {
  const bool hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
  const size_t first = hex ? 3 : 2;
  size_t end = first;
  char32_t number = 0;
  while (end < text.size() && (hex ? IsHexDigit(text[end]) : IsDigit(text[end]))) {
    const char32_t c = text[end++];
    const char32_t digit = IsDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
    number = std::min<char32_t>(number * (hex ? 16 : 10) + digit, 0x110000);
  }
  if (end == first) return std::nullopt;
  if (end < text.size() && text[end] == ';') ++end;
  return Parsed{end, NumericText(number)};
}

// The run after '&' that can belong to a name, without a closing semicolon.
std::u32string_view NameRun(std::u32string_view text) {
  static constexpr std::u32string_view kEnds = U"\t\n\f <&#;";
  const std::u32string_view rest = text.substr(1, kLongestRun);
  return rest.substr(0, rest.find_first_of(kEnds));
}

// "&amp;", or the longest name without a semicolon that the run begins with.
std::optional<Parsed> ParseNamed(std::u32string_view text) {
  const std::u32string_view run = NameRun(text);
  if (1 + run.size() < text.size() && text[1 + run.size()] == ';') {
    const auto exact = FindEntity(kHtmlEntities, text.substr(1, run.size() + 1));
    if (exact) return Parsed{run.size() + 2, std::u32string(*exact)};
  }
  for (size_t size = run.size(); size > 1; --size) {
    const auto prefix = FindEntity(kHtmlEntities, run.substr(0, size));
    if (prefix) return Parsed{size + 1, std::u32string(*prefix)};
  }
  return std::nullopt;
}

std::optional<Parsed> ParseReference(std::u32string_view text) {
  return text.size() > 1 && text[1] == '#' ? ParseNumeric(text) : ParseNamed(text);
}

// A reference in ftfy's sense: '&', perhaps '#', 1 to 24 ASCII letters and digits, ';'.
std::optional<Parsed> ParseTerminated(std::u32string_view text) {
  const bool numeric = text.size() > 1 && text[1] == '#';
  const size_t first = numeric ? 2 : 1;
  size_t end = first;
  while (end < text.size() && (IsDigit(text[end]) || IsAsciiLetter(text[end]))) ++end;
  const size_t size = end - first;
  if (size == 0 || size > kLongestTerminated || end == text.size() || text[end] != ';') {
    return std::nullopt;
  }
  if (numeric) {
    auto parsed = ParseNumeric(text);
    // "&#59;" would leave a semicolon, which ftfy takes for a reference it did not understand.
    if (!parsed || parsed->length != end + 1 || parsed->text == U";") return std::nullopt;
    return parsed;
  }
  const std::u32string_view name = text.substr(1, size + 1);
  auto found = FindEntity(kHtmlEntities, name);
  if (!found) found = FindEntity(kUpperCaseEntities, name);
  if (!found) return std::nullopt;
  return Parsed{end + 1, std::u32string(*found)};
}

template <typename Parse>
std::u32string ReplaceReferences(std::u32string_view text, Parse parse) {
  std::u32string output;
  output.reserve(text.size());
  while (!text.empty()) {
    const size_t plain = std::min(text.find(U'&'), text.size());
    output += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::optional<Parsed> parsed = parse(text);
    output += parsed ? parsed->text : std::u32string(1, U'&');
    text.remove_prefix(parsed ? parsed->length : 1);
  }
  return output;
}

}  // namespace

std::u32string UnescapeHtml(std::u32string_view text) {
  return ReplaceReferences(text, ParseReference);
}

std::u32string UnescapeTerminatedHtml(std::u32string_view text) {
  return ReplaceReferences(text, ParseTerminated);
}

}  // namespace t3
