// ftfy's fixes in their order, on code points, line by line until nothing changes.
#include "tokenizer/clean.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "tokenizer/html.h"
#include "tokenizer/unicode.h"

namespace t3 {
namespace {

constexpr size_t kLongestSegment = 1'000'000;  // code points that ftfy treats as one line at most

// Replaces each character for which `map(c, output)` returns true by what it appended.
template <typename Map>
std::u32string Translate(const std::u32string& text, Map map) {
  std::u32string output;
  output.reserve(text.size());
  for (const char32_t c : text) {
    if (!map(c, output)) output += c;
  }
  return output;
}

struct Ligature {
  char32_t ligature;
  std::u32string_view letters;
};
constexpr Ligature kLigatures[] = {
    {0x0132, U"IJ"},      {0x0133, U"ij"},      {0x0149, U"\u02BCn"}, {0x01C4, U"D\u017D"},
    {0x01C5, U"D\u017E"}, {0x01C6, U"d\u017E"}, {0x01C7, U"LJ"},      {0x01C8, U"Lj"},
    {0x01C9, U"lj"},      {0x01CA, U"NJ"},      {0x01CB, U"Nj"},      {0x01CC, U"nj"},
    {0x01F1, U"DZ"},      {0x01F2, U"Dz"},      {0x01F3, U"dz"},      {0xFB00, U"ff"},
    {0xFB01, U"fi"},      {0xFB02, U"fl"},      {0xFB03, U"ffi"},     {0xFB04, U"ffl"},
    {0xFB05, U"\u017Ft"}, {0xFB06, U"st"}};

bool FixLigature(char32_t c, std::u32string& output) {
  const auto* found = std::find_if(std::begin(kLigatures), std::end(kLigatures),
                                   [c](const Ligature& entry) { return entry.ligature == c; });
  if (found == std::end(kLigatures)) return false;
  output += found->letters;
  return true;
}

bool FixWidth(char32_t c, std::u32string& output) {
  if (c == 0x3000) {
    output += U' ';
    return true;
  }
  if (c < 0xFF01 || c > 0xFFEF) return false;
  output += Normalize({&c, 1}, NormalForm::kNfkc);
  return true;
}

bool FixQuote(char32_t c, std::u32string& output) {
  if (c == 0x02BC || (c >= 0x2018 && c <= 0x201B)) {
    output += U'\'';
  } else if (c >= 0x201C && c <= 0x201F) {
    output += U'"';
  } else {
    return false;
  }
  return true;
}

std::u32string FixLineBreaks(const std::u32string& text) {
  std::u32string output;
  output.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    const bool is_break = c == U'\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
    if (c == U'\r' && i + 1 < text.size() && text[i + 1] == U'\n') ++i;
    output += is_break ? U'\n' : c;
  }
  return output;
}

// Length of an escape sequence "ESC [ digits and semicolons, letter" at `begin`; 0 if there is
// none.
size_t TerminalEscapeLength(const std::u32string& text, size_t begin) {
  if (begin + 2 >= text.size() || text[begin] != 0x1B || text[begin + 1] != U'[') return 0;
  size_t end = begin + 2;
  while (end < text.size() && (text[end] == U';' || IsDecimalDigit(text[end]))) ++end;
  if (end == text.size()) return 0;
  const char32_t letter = text[end] | 0x20;
  return letter >= U'a' && letter <= U'z' ? end + 1 - begin : 0;
}

std::u32string RemoveTerminalEscapes(const std::u32string& text) {
  std::u32string output;
  output.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = TerminalEscapeLength(text, i);
    if (length == 0) output += text[i];
    i += std::max<size_t>(length, 1);
  }
  return output;
}

bool IsUnwantedControl(char32_t c) {
  return c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
         (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

std::u32string FixOnce(std::u32string text, bool unescape) {
  if (unescape) text = UnescapeTerminatedHtml(text);
  std::transform(text.begin(), text.end(), text.begin(), FromWindows1252);
  text = Translate(text, FixLigature);
  text = Translate(text, FixWidth);
  text = Translate(text, FixQuote);
  text = FixLineBreaks(text);
  text = RemoveTerminalEscapes(text);
  std::erase_if(text, IsUnwantedControl);
  return Normalize(text, NormalForm::kNfc);
}

std::u32string FixSegment(std::u32string text, bool unescape) {
  for (;;) {
    std::u32string fixed = FixOnce(text, unescape);
    if (fixed == text) return fixed;
    text = std::move(fixed);
  }
}

// ftfy.fix_text. A '<' means that the text is HTML source, whose references are to be kept: from
// that line on they are (UnescapeHtml takes them later).
std::u32string FixText(std::u32string_view text) {
  std::u32string output;
  bool unescape = true;
  while (!text.empty()) {
    const size_t line = std::min(text.find(U'\n'), text.size() - 1) + 1;
    const std::u32string_view segment = text.substr(0, std::min(line, kLongestSegment));
    if (segment.find(U'<') != std::u32string_view::npos) unescape = false;
    output += FixSegment(std::u32string(segment), unescape);
    text.remove_prefix(segment.size());
  }
  return output;
}

std::u32string CollapseSpace(const std::u32string& text) {
  std::u32string output;
  for (const char32_t c : text) {
    if (!IsSpace(c)) {
      output += c;
    } else if (!output.empty() && output.back() != U' ') {
      output += U' ';
    }
  }
  if (!output.empty() && output.back() == U' ') output.pop_back();
  return output;
}

}  // namespace

std::string CleanText(std::string_view utf8) {
  const std::u32string fixed = FixText(DecodeUtf8(utf8));
  return EncodeUtf8(CollapseSpace(UnescapeHtml(UnescapeHtml(fixed))));
}

}  // namespace t3
