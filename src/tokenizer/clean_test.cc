// Cleaning against ftfy and html.unescape (tools/oracle_clean.py), and its parts.
#include "tokenizer/clean.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tokenizer/html.h"
#include "tokenizer/unicode.h"

namespace t3 {
namespace {

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

TEST(Clean, EqualsFtfy) {
  std::ifstream file(T3_SOURCE_DIR "/tests/data/text/clean.json");
  const auto cases = nlohmann::json::parse(file);
  ASSERT_GE(cases.size(), 300u);
  for (const auto& pair : cases) {
    const std::string raw = pair.at("raw");
    EXPECT_EQ(CleanText(FromHex(raw)), pair.at("clean").get<std::string>()) << "raw " << raw;
  }
}

TEST(Clean, KeepsWronglyDecodedText) { EXPECT_EQ(CleanText("sÃ³"), "sÃ³"); }

TEST(Clean, LongTextsAreCutAsFtfyCutsThem) {
  // The combining accent falls into the second segment, where it has nothing to combine with.
  const std::string text = std::string(999'999, 'x') + "e\u0301";
  EXPECT_EQ(CleanText(text), text);
  EXPECT_EQ(CleanText("xe\u0301"), "x\u00e9");
}

std::string Repeat(const std::string& text, int count) {
  std::string repeated;
  for (int i = 0; i < count; ++i) repeated += text;
  return repeated;
}

TEST(Clean, NestedReferencesAreTakenInTheOrderOfTheirDepth) {
  // ESC goes as a control character a pass before '[' is there to make it an escape sequence.
  EXPECT_EQ(CleanText("\x1b&#91;0mx"), "x");
  EXPECT_EQ(CleanText("\x1b&amp;#91;0mx"), "[0mx");
  EXPECT_EQ(CleanText("\x1b&" + Repeat("amp;", 50) + "#91;0mx"), "[0mx");
  EXPECT_EQ(CleanText("&" + Repeat("amp;", 50) + "lt;&" + Repeat("#38;", 7) + "gt;"), "<>");
}

TEST(Clean, TimeGrowsWithTheLength) {
  // A pass a level would take minutes.
  EXPECT_EQ(CleanText("&" + Repeat("amp;", 200'000)), "&");
  EXPECT_EQ(CleanText("a &" + Repeat("#x26;AMP;", 50'000) + "lt; b"), "a < b");
}

TEST(Unicode, IllFormedBytesBecomeReplacementCharacters) {
  EXPECT_EQ(DecodeUtf8("\xE2\x82X"), U"\uFFFDX");
  EXPECT_EQ(DecodeUtf8("\xED\xA0\x80"), U"\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(DecodeUtf8("\xF4\x90\x80\x80"), U"\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(DecodeUtf8("\xF0\x9F\x98\x80"), U"\U0001F600");
  EXPECT_EQ(EncodeUtf8(U"\U0001F600\u00e9"), "\xF0\x9F\x98\x80\xC3\xA9");
}

TEST(Unicode, Normalizes) {
  EXPECT_EQ(Normalize(U"e\u0301", NormalForm::kNfc), U"\u00e9");
  EXPECT_EQ(Normalize(U"\uFF76", NormalForm::kNfc), U"\uFF76");
  EXPECT_EQ(Normalize(U"\uFF76", NormalForm::kNfkc), U"\u30AB");
  EXPECT_EQ(Normalize(std::u32string(1, U'\0'), NormalForm::kNfc).size(), 1u);
}

TEST(Html, BothKindsOfUnescaping) {
  EXPECT_EQ(UnescapeHtml(U"&ampx &notit; &notin; &#65 &EACUTE;"), U"&x ¬it; ∉ A &EACUTE;");
  EXPECT_EQ(UnescapeTerminatedHtml(U"&ampx &notit; &notin; &#65 &EACUTE;"),
            U"&ampx &notit; ∉ &#65 É");
  EXPECT_EQ(UnescapeTerminatedHtml(U"&#59;"), U"&#59;");
  EXPECT_EQ(UnescapeHtml(U"&#" + std::u32string(5000, U'9') + U";"), U"\uFFFD");
}

}  // namespace
}  // namespace t3
