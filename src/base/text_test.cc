// UTF-8: validity, quoting, cutting, words for file names.
#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "t3video/error.h"

namespace t3 {
namespace {

TEST(Text, IsUtf8) {
  for (const char* good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                           "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xff",
                          "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xe2\x28\xa1"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(Text, QuoteIsSafeToPrint) {
  EXPECT_EQ(Quote("w.0"), "'w.0'");
  EXPECT_EQ(Quote("\xc3\xa9"), "'\xc3\xa9'");
  EXPECT_EQ(Quote("a\n\x1b[2J'\\\x7f"), R"('a\x0a\x1b[2J\x27\x5c\x7f')");
  EXPECT_EQ(Quote("\xff\xc2\x9b"), R"('\xff\xc2\x9b')");
  EXPECT_LT(Quote(std::string(10'000, 'a')).size(), 130u);
  EXPECT_THAT(Quote(std::string(10'000, 'a')), testing::EndsWith("...'"));
}

TEST(Text, PrintableKeepsTextAndDisarmsControls) {
  EXPECT_EQ(Printable("caf\xc3\xa9 'x'\nnext"), "caf\xc3\xa9 'x'\nnext");
  EXPECT_EQ(Printable("\x1b]0;t\x07\r\xff\xc2\x9b"), R"(\x1b]0;t\x07\x0d\xff\xc2\x9b)");
}

TEST(Text, ReplacesInvalidUtf8) {
  EXPECT_EQ(ReplaceInvalidUtf8("caf\xe9/\xe7\x8c\xab"), "caf\xef\xbf\xbd/\xe7\x8c\xab");
}

TEST(Text, DecodesByteOrderMarks) {
  using namespace std::string_literals;
  EXPECT_EQ(DecodeText("\xEF\xBB\xBF"
                       "cat",
                       "it"),
            "cat");
  EXPECT_EQ(DecodeText("\xFF\xFE"
                       "a\0\x2B\x73\x3D\xD8\x31\xDC"s,
                       "it"),
            "a\xe7\x8c\xab\xf0\x9f\x90\xb1");
  EXPECT_EQ(DecodeText("\xFE\xFF\0a\x73\x2B\xD8\x3D"s, "it"), "a\xe7\x8c\xab\xef\xbf\xbd");
  EXPECT_EQ(DecodeText("caf\xe9", "it"), "caf\xe9");
  EXPECT_THROW(DecodeText("\xFF\xFE\0\0a\0\0\0"s, "it"), Error);
  EXPECT_THROW(DecodeText("a\0c\0"s, "it"), Error);
}

TEST(Text, CutsBetweenCharacters) {
  EXPECT_EQ(CutToBytes("abc", 3), "abc");
  EXPECT_EQ(CutToBytes("\xe7\x8c\xab\xe7\x8a\xac", 5), "\xe7\x8c\xab");  // two ideographs
  EXPECT_EQ(CutToBytes("ae\xcc\x81", 3), "a");                           // e and its accent
  EXPECT_EQ(CutToBytes("\xff\xff", 1), "\xff");
  EXPECT_EQ(CutToBytes("abc", 0), "");
}

TEST(Text, ColumnsCountWideCharacters) {
  EXPECT_EQ(CutToColumns("\xe7\x8c\xab\xe7\x8a\xac", 3), "\xe7\x8c\xab");
  EXPECT_EQ(CutToColumns("\xe7\x8c\xab\xe7\x8a\xac", 4), "\xe7\x8c\xab\xe7\x8a\xac");
  EXPECT_EQ(CutToColumns("e\xcc\x81x", 1), "e\xcc\x81");
}

TEST(Text, FileNameWordsKeepLettersOfAnyScript) {
  EXPECT_EQ(FileNameWord("A cat, on a mat!", 40), "a-cat-on-a-mat");
  EXPECT_EQ(FileNameWord("\xe7\x8c\xab", 40), "\xe7\x8c\xab");
  EXPECT_EQ(FileNameWord("\xc3\x89t\xc3\xa9 \xe2\x80\x94 \xd0\x9a\xd0\xbe\xd1\x82", 40),
            "\xc3\xa9t\xc3\xa9-\xd0\xba\xd0\xbe\xd1\x82");
  EXPECT_EQ(FileNameWord("\xe0\xa4\xac\xe0\xa4\xbf", 40),
            "\xe0\xa4\xac\xe0\xa4\xbf");  // a vowel sign
  EXPECT_EQ(FileNameWord("../../etc/passwd", 40), "etc-passwd");
  EXPECT_EQ(FileNameWord("\xff!?", 40), "");
  EXPECT_EQ(FileNameWord("seven small boats", 13), "seven-small");  // between words
  EXPECT_EQ(FileNameWord("seven small boats", 11), "seven-small");
  EXPECT_EQ(FileNameWord("incomprehensibilities", 5), "incom");  // or within the only one
  EXPECT_EQ(FileNameWord("\xe7\x8c\xab\xe7\x8a\xac", 3), "\xe7\x8c\xab");
  std::string accents = "e";
  for (int i = 0; i < 500; ++i) accents += "\xcc\x81";
  EXPECT_LE(FileNameWord(accents + " cat", 40).size(), 150u);
}

}  // namespace
}  // namespace t3
