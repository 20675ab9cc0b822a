// JSON limits, order, files, fields.
#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/json_fields.h"
#include "base/testing/error_of.h"
#include "t3video/error.h"

namespace t3 {
namespace {

using testing::HasSubstr;

TEST(Json, ParsesValues) {
  const auto json = ParseJson(R"({"a":[1,-2,3.5,true,null,"x"],"b":{"c":{}}})", "it");
  EXPECT_EQ(json["a"].size(), 6u);
  EXPECT_EQ(json["a"][1], -2);
  EXPECT_EQ(json["a"][5], "x");
  EXPECT_TRUE(json["b"]["c"].is_object());
  EXPECT_EQ(ParseJson("7", "it"), 7);
}

TEST(Json, SameKeyInDifferentObjectsIsFine) {
  EXPECT_NO_THROW(ParseJson(R"({"a":{"k":1},"b":{"k":[{"k":1},{"k":2}]}})", "it"));
  EXPECT_THROW(ParseJson(R"({"a":[{"k":1,"k":1}]})", "it"), Error);
}

TEST(Json, LimitsDepthAndLength) {
  const std::string deep = std::string(250'000, '[') + std::string(250'000, ']');
  EXPECT_THAT(ErrorOf([&] { ParseJson(deep, "it"); }), HasSubstr("it nests deeper than 16"));
  EXPECT_THAT(ErrorOf([&] { ParseOrderedJson("{\"a\":" + deep + "}", "it", kLongLists); }),
              HasSubstr("it nests deeper than 32"));
  std::string list = "[0";
  for (int i = 0; i < 5000; ++i) list += ",0";
  list += "]";
  EXPECT_THAT(ErrorOf([&] { ParseJson(list, "it"); }), HasSubstr("more than 4096"));
  EXPECT_EQ(ParseJson(list, "it", kLongLists).size(), 5001u);
}

TEST(Json, OrderedJsonKeepsTheOrderOfKeys) {
  const auto json = ParseOrderedJson(R"({"b":1,"a":{"d":2,"c":3}})", "it");
  EXPECT_EQ(json.dump(), R"({"b":1,"a":{"d":2,"c":3}})");
  EXPECT_THROW(ParseOrderedJson(R"({"b":1,"b":1})", "it"), Error);
}

TEST(Json, ErrorsNameTheFile) {
  EXPECT_THAT(ErrorOf([] { ReadJson("/nowhere/at/all.json"); }), HasSubstr("/nowhere/at/all.json"));
  EXPECT_THAT(ErrorOf([] { ReadJson("/tmp"); }), HasSubstr("/tmp"));
  const auto path = std::filesystem::temp_directory_path() / "t3_json_test.json";
  std::ofstream(path) << "{";
  EXPECT_THAT(ErrorOf([&] { ReadJson(path.string()); }),
              HasSubstr("t3_json_test.json is not valid"));
  std::filesystem::remove(path);
}

TEST(JsonFieldsTest, IntegersBeyond64BitsAreRefused) {
  const auto take = [](const char* text) {
    int64_t value = 0;
    JsonFields(ParseJson(text, "it"), "it").TakeInteger("n", 0, INT64_MAX, &value);
    return value;
  };
  EXPECT_EQ(take(R"({"n":9223372036854775807})"), INT64_MAX);
  for (const char* text : {R"({"n":9223372036854775808})", R"({"n":18446744073709551615})",
                           R"({"n":-1})", R"({"n":1.0})", R"({"n":"1"})", R"({"n":null})"}) {
    EXPECT_THAT(ErrorOf([&] { take(text); }), HasSubstr("whole number from 0")) << text;
  }
}

TEST(JsonFieldsTest, OnlyNearFieldsAreHints) {
  const auto error_with = [](const std::string& key) {
    JsonFields fields({{key, 1}}, "it");
    for (const char* known : {"device", "object_weight", "seed"}) fields.Find(known);
    return ErrorOf([&] { fields.CheckAllTaken(); });
  };
  EXPECT_EQ(error_with("objectweight"),
            "it: \"objectweight\" is not a field; did you mean \"object_weight\"? The fields are "
            "device, object_weight, seed");
  EXPECT_EQ(error_with("nearobject"),
            "it: \"nearobject\" is not a field; the fields are device, object_weight, seed");
}

}  // namespace
}  // namespace t3
