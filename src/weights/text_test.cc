// Quoting and UTF-8, JSON limits, sizes.
#include "weights/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "t3video/error.h"
#include "weights/json.h"
#include "weights/types.h"

namespace t3 {
namespace {

Bytes AsBytes(std::string_view text) { return std::as_bytes(std::span(text)); }

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

TEST(Json, ParsesValues) {
  const auto json = ParseJson(AsBytes(R"({"a":[1,-2,3.5,true,null,"x"],"b":{"c":{}}})"), "it");
  EXPECT_EQ(json["a"].size(), 6u);
  EXPECT_EQ(json["a"][1], -2);
  EXPECT_EQ(json["a"][5], "x");
  EXPECT_TRUE(json["b"]["c"].is_object());
  EXPECT_EQ(ParseJson(AsBytes("7"), "it"), 7);
}

TEST(Json, SameKeyInDifferentObjectsIsFine) {
  EXPECT_NO_THROW(ParseJson(AsBytes(R"({"a":{"k":1},"b":{"k":[{"k":1},{"k":2}]}})"), "it"));
  EXPECT_THROW(ParseJson(AsBytes(R"({"a":[{"k":1,"k":1}]})"), "it"), Error);
}

TEST(Types, ContiguousBytes) {
  const auto bytes = [](std::vector<int64_t> shape) { return ContiguousBytes(shape, DType::kF32); };
  EXPECT_EQ(bytes({}), 4);
  EXPECT_EQ(bytes({2, 3}), 24);
  EXPECT_EQ(bytes({5, 0}), 0);
  EXPECT_EQ(bytes({-1}), std::nullopt);
  EXPECT_EQ(bytes({0, -1}), std::nullopt);
  EXPECT_EQ(bytes({INT64_MAX}), std::nullopt);
  EXPECT_EQ(bytes({0, INT64_MAX, INT64_MAX}), std::nullopt);
}

}  // namespace
}  // namespace t3
