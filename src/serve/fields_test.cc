// The fields of a request: what is accepted, what is refused and how it is named.
#include "serve/fields.h"

#include <gtest/gtest.h>

#include "base/read_text.h"
#include "serve/api_error.h"

namespace t3::serve {
namespace {

using nlohmann::json;

FieldValues Parse(const json& object, FieldUse use = FieldUse::kSubmission) {
  return ParseFields(object, Limits{}, use);
}

// "CODE PARAM: MESSAGE" of the error.
std::string ErrorOf(const json& object, FieldUse use = FieldUse::kSubmission) {
  try {
    Parse(object, use);
    return "";
  } catch (const ApiError& error) {
    const auto reply = error.Json().at("error");
    const std::string param = reply.at("param").is_null() ? "" : reply.at("param");
    return error.code() + " " + param + ": " + error.what();
  }
}

json With(const char* name, const json& value) {
  json object{{"prompt", "p"}};
  object[name] = value;
  return object;
}

TEST(Fields, BecomeOptions) {
  const FieldValues values = Parse({{"prompt", "A cat."},
                                    {"size", "832x480"},
                                    {"num_frames", 17},
                                    {"fps", 24},
                                    {"seed", 7},
                                    {"num_inference_steps", 30},
                                    {"guidance_scale", 4.5},
                                    {"flow_shift", 3},
                                    {"negative_prompt", ""},
                                    {"draft", "none"}});
  EXPECT_EQ(values.prompt, "A cat.");
  EXPECT_TRUE(values.has_seed);
  EXPECT_EQ(values.seed, 7U);
  const std::vector<std::pair<std::string, std::string>> wanted{
      {"draft", "none"},   {"shift", "3"},          {"fps", "24"},
      {"guidance", "4.5"}, {"negative-prompt", ""}, {"frames", "17"},
      {"steps", "30"},     {"seed", "7"},           {"size", "832x480"}};
  auto options = values.options;
  std::ranges::sort(options);
  auto sorted = wanted;
  std::ranges::sort(sorted);
  EXPECT_EQ(options, sorted);
  EXPECT_EQ(values.settings.at("guidance_scale"), 4.5);
}

TEST(Fields, SecondsMayBeText) {
  EXPECT_EQ(Parse(With("seconds", "4")).seconds, 4);
  EXPECT_EQ(Parse(With("seconds", 1.5)).seconds, 1.5);
  EXPECT_NE(ErrorOf(With("seconds", "4s")), "");
  EXPECT_NE(ErrorOf(With("seconds", "inf")), "");
}

TEST(Fields, NullIsAbsent) { EXPECT_EQ(Parse(With("size", nullptr)).options.size(), 0U); }

TEST(Fields, UnknownOnesAreNamed) {
  const std::string error = ErrorOf(With("num_frame", 17));
  EXPECT_TRUE(error.starts_with("unknown_field num_frame: ")) << error;
  EXPECT_NE(error.find("did you mean num_frames"), std::string::npos) << error;
  EXPECT_TRUE(ErrorOf(With("input", "image")).starts_with("unknown_field input: "));
  EXPECT_EQ(ErrorOf({{"input", "image"}}, FieldUse::kPlan), "");
}

TEST(Fields, WrongValuesAreNamed) {
  const std::vector<std::pair<const char*, json>> wrong{
      {"size", "832"},
      {"size", "8x8"},
      {"size", "99999x99999"},
      {"size", 832},
      {"size", "832x480x3"},
      {"size", "-832x480"},
      {"size", "8000x8000"},
      {"size", "65x64"},
      {"size", "64x63"},
      {"num_frames", 16},
      {"num_frames", 0},
      {"num_frames", 100001},
      {"num_frames", "17"},
      {"num_frames", 17.5},
      {"fps", 0},
      {"fps", "24"},
      {"seed", -1},
      {"seed", 9007199254740992},
      {"seed", 1.5},
      {"num_inference_steps", 0},
      {"num_inference_steps", 100000},
      {"guidance_scale", -1},
      {"flow_shift", 0},
      {"sampler", "dpm"},
      {"strength", 1.1},
      {"draft", "small"},
      {"negative_prompt", 5},
      {"prompt", ""},
      {"prompt", " \t\r\n"},
      {"prompt", json::array()},
      {"prompt", std::string(4001, 'a')},
      {"prompt", std::string("a\0b", 3)},
      {"source_video", "../../etc/passwd"},
      {"source_video", "video_1"},
      {"loras", "style"},
      {"loras", {{{"name", "a"}, {"path", "/etc"}}}},
      {"loras", {{{"name", "a"}, {"scale", 1e9}}}},
      {"loras", {{{"scale", 1}}}},
      {"model_loras", "style"},
      {"model_loras", ""},
      {"model_loras", false},
      {"input_reference", "https://example.com/a.png"},
      {"input_reference", {{"image_url", "https://example.com/a.png"}}}};
  for (const auto& [name, value] : wrong) {
    const std::string error = ErrorOf(With(name, value));
    EXPECT_TRUE(error.starts_with(std::string("invalid_value ") + name + ": ")) << name << error;
  }
}

TEST(Fields, OnlyTheVideoThatIsWrittenHasEvenSides) {
  EXPECT_NE(ErrorOf({{"size", "65x63"}}, FieldUse::kPlan), "");
  EXPECT_EQ(ErrorOf({{"draft", "65x63"}}, FieldUse::kPlan), "");
}

TEST(Fields, CountCharactersNotBytes) {
  std::string prompt;
  for (int i = 0; i < 4000; ++i) prompt += "ä";
  EXPECT_EQ(ErrorOf({{"prompt", prompt}}), "");
}

TEST(Fields, PromptIsForSubmissions) {
  EXPECT_TRUE(ErrorOf(json::object()).starts_with("missing_field prompt: "));
  EXPECT_EQ(ErrorOf(json::object(), FieldUse::kPlan), "");
}

TEST(Fields, OneOfTwoIsEnough) {
  EXPECT_NE(ErrorOf({{"prompt", "p"}, {"seconds", 1}, {"num_frames", 17}}), "");
}

TEST(Fields, FormsHaveTextsInTheTypesOfTheTable) {
  const json object = FormToJson(
      {{"prompt", "12"}, {"num_frames", "17"}, {"fps", "24.5"}, {"loras", R"([{"name":"a"}])"}},
      FieldUse::kSubmission);
  EXPECT_EQ(object.at("prompt"), "12");
  EXPECT_EQ(object.at("num_frames"), 17);
  EXPECT_EQ(object.at("fps"), 24.5);
  EXPECT_TRUE(object.at("loras").is_array());
  EXPECT_THROW(FormToJson({{"loras", "[{"}}, FieldUse::kSubmission), ApiError);
  EXPECT_THROW(FormToJson({{"path", "x"}}, FieldUse::kSubmission), ApiError);
  // What is not a number stays a text, which the parser refuses by name.
  EXPECT_NE(ErrorOf(FormToJson({{"prompt", "p"}, {"fps", "0x10"}}, FieldUse::kSubmission)), "");
}

TEST(Fields, MessagesNameFieldsInPlaceOfOptions) {
  EXPECT_EQ(WithFieldNames("`steps` 0 is outside; `size` too, `other` not"),
            "`num_inference_steps` 0 is outside; `size` too, `other` not");
  EXPECT_EQ(WithFieldNames("`memory-limit` sets what may be used, and `t3 plan` shows every stage"),
            "the server's `--memory-limit` sets what may be used, and `POST /v1/videos/plan` shows "
            "every stage");
  EXPECT_EQ(WithFieldNames("`strength` has no effect without `video` or `draft`"),
            "`strength` has no effect without `input_reference` or `source_video` or `draft`");
  EXPECT_EQ(WithFieldNames("one ` alone, `` and a name without end: `steps"),
            "one ` alone, `` and a name without end: `steps");
  EXPECT_EQ(WithFieldNames(""), "");
  EXPECT_EQ(WithFieldNames("`lora` none leaves it out"), "`model_loras` none leaves it out");
}

TEST(Fields, AreDocumented) {
  const std::string page = ReadText(std::string(T3_SOURCE_DIR) + "/docs/reference/http.md");
  for (const Field& field : RequestFields()) {
    const std::string name(field.name);
    EXPECT_TRUE(page.find("`" + name + "`") != std::string::npos ||
                page.find("\"" + name + "\"") != std::string::npos)
        << name;
  }
}

}  // namespace
}  // namespace t3::serve
