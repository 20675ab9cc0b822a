// ftfy's fixes in their order, on code points, line by line until nothing changes.
#include "tokenizer/clean.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

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

// Length of a reference to '&', without its leading '&', at the start of `text`:
// "amp;", "#38;", "#x26;" and their like; 0 if there is none.
size_t AmpersandLength(std::u32string_view text) {
  constexpr size_t kLongest = 27;  // ftfy's references have at most 24 characters and "#", ";"
  const size_t end = text.substr(0, kLongest).find(U';');
  if (end == std::u32string_view::npos) return 0;
  const std::u32string reference = U"&" + std::u32string(text.substr(0, end + 1));
  return UnescapeTerminatedHtml(reference) == U"&" ? end + 1 : 0;
}

// An '&' and the references to '&' that directly follow it ("&amp;amp;x": lengths 4, 4). A pass
// takes one of each chain.
struct Chain {
  size_t begin;  // after the '&'
  std::vector<size_t> lengths;
};

std::vector<Chain> FindChains(std::u32string_view text) {
  std::vector<Chain> chains;
  for (size_t at = text.find(U'&'); at != std::u32string_view::npos; at = text.find(U'&', at)) {
    Chain chain{++at, {}};
    while (const size_t length = AmpersandLength(text.substr(at))) {
      chain.lengths.push_back(length);
      at += length;
    }
    if (!chain.lengths.empty()) chains.push_back(std::move(chain));
  }
  return chains;
}

// `text` with the first `passes` references of each chain taken.
std::u32string TakeAmpersands(const std::u32string& text, const std::vector<Chain>& chains,
                              size_t passes) {
  std::u32string output;
  size_t copied = 0;
  for (const Chain& chain : chains) {
    output.append(text, copied, chain.begin - copied);
    copied = chain.begin;
    for (size_t i = 0; i < passes; ++i) copied += chain.lengths[i];
  }
  return output.append(text, copied);
}

// Passes that would do nothing but take a reference of each chain, all at once: until one chain has
// a single reference left. `before` is the text before the pass that made `text`: where that pass
// did nothing else, and `text` has no other references, neither will the next ones.
std::u32string SkipPasses(const std::u32string& before, std::u32string text) {
  const std::vector<Chain> chains = FindChains(text);
  if (chains.empty()) return text;
  size_t passes = std::u32string::npos;
  for (const Chain& chain : chains) passes = std::min(passes, chain.lengths.size() - 1);
  if (passes == 0 || TakeAmpersands(before, FindChains(before), 1) != text ||
      TakeAmpersands(text, chains, 1) != UnescapeTerminatedHtml(text)) {
    return text;
  }
  return TakeAmpersands(text, chains, passes);
}

// Repeats until nothing changes. Fixes never act across a space, so each word is repeated on its
// own; chains of references ("&amp;amp;...") would take a pass a link.
std::u32string FixWord(std::u32string text, bool unescape) {
  for (;;) {
    std::u32string fixed = FixOnce(text, unescape);
    if (fixed == text) return fixed;
    text = unescape ? SkipPasses(text, std::move(fixed)) : std::move(fixed);
  }
}

std::u32string FixSegment(std::u32string_view segment, bool unescape) {
  std::u32string output;
  for (size_t begin = 0; begin < segment.size();) {
    const size_t end = std::min(segment.find(U' ', begin), segment.size() - 1) + 1;
    output += FixWord(std::u32string(segment.substr(begin, end - begin)), unescape);
    begin = end;
  }
  return output;
}

// ftfy.fix_text. A '<' marks HTML source, whose references must not be resolved: from
// that line on they are (UnescapeHtml takes them later).
std::u32string FixText(std::u32string_view text) {
  std::u32string output;
  bool unescape = true;
  while (!text.empty()) {
    const size_t line = std::min(text.find(U'\n'), text.size() - 1) + 1;
    const std::u32string_view segment = text.substr(0, std::min(line, kLongestSegment));
    if (segment.find(U'<') != std::u32string_view::npos) unescape = false;
    output += FixSegment(segment, unescape);
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
