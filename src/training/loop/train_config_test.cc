// The configuration's fields, their checks and --set.
#include "training/loop/train_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "t3video/error.h"
#include "weights/json_fields.h"

namespace t3 {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json Minimal() { return {{"output", "out"}, {"steps", 10}}; }

std::string MessageOf(const json& document) {
  try {
    ParseTrainConfig(document, "x.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(TrainConfig, UnknownFieldsNameTheNearest) {
  json document = Minimal();
  document["acumulation"] = 2;
  EXPECT_THAT(MessageOf(document), HasSubstr("did you mean \"accumulation\"?"));
  document = Minimal();
  document["optimizer"] = {{"learning", 1}};
  EXPECT_THAT(MessageOf(document), HasSubstr("x.json: optimizer: \"learning\" is no field"));
}

TEST(TrainConfig, WrongValuesAreNamed) {
  const std::pair<json, std::string> wrong[] = {
      {{{"steps", "ten"}}, "\"steps\" is \"ten\", wanted a whole number"},
      {{{"steps", 1.5}}, "\"steps\" is 1.5"},
      {{{"seed", -1}}, "\"seed\" is -1"},
      {{{"optimizer", 3}}, "optimizer is a JSON number"},
      {{{"optimizer", {{"lr", "fast"}}}}, "\"lr\" is \"fast\""},
      {{{"schedule", {{"decay", "exponential"}}}}, "one of constant, cosine, linear"},
      {{{"attention", {{"pattern", "T3"}}}}, "one of t3, full"},
      {{{"attention", {{"pattern", "full"}, {"windows", "1,1,1"}}}}, "need a pattern"},
      {{{"buckets", {{{"size", "256x"}, {"frames", 5}}}}}, "WIDTHxHEIGHT"},
      {{{"buckets", {{{"size", "256x144"}, {"frames", 6}}}}}, "4n + 1"},
      {{{"lora", {{"rank", 0}}}}, "\"rank\" is 0"},
      {{{"lora", json::object()}, {"train_text_encoder", true}}, "does not go with"},
      {{{"samples", {{"every_steps", 5}}}}, "without \"prompts\""},
      {{{"output", ""}}, "\"output\" must name"},
      {{{"activation_checkpoints", "all"}}, "one of none, block, offload"},
  };
  for (const auto& [fields, message] : wrong) {
    json document = Minimal();
    document.update(fields);
    EXPECT_THAT(MessageOf(document), HasSubstr(message)) << fields.dump();
  }
  EXPECT_EQ(MessageOf(Minimal()), "no error");
}

TEST(TrainConfig, OverridesReplaceAndAdd) {
  json document = Minimal();
  for (const char* assignment : {"optimizer.lr=1e-3", "attention.pattern=t3", "steps=7",
                                 "lora.targets=[\"q\"]", "model=some/folder"}) {
    Override(assignment, &document);
  }
  const TrainConfig config = ParseTrainConfig(document, "x.json");
  EXPECT_EQ(config.optimizer.lr, 1e-3);
  EXPECT_EQ(config.attention, AttentionPattern::kT3);
  EXPECT_EQ(config.steps, 7);
  EXPECT_EQ(config.lora->targets, std::vector<std::string>{"q"});
  EXPECT_EQ(config.model.model, "some/folder");
  EXPECT_THROW(Override("steps", &document), Error);
  EXPECT_THROW(Override("steps.more=1", &document), Error);
}

TEST(TrainConfig, StepsMatterOnlyWhereTheRateDependsOnThem) {
  json document = Minimal();
  EXPECT_FALSE(FieldsThatMatter(ParseTrainConfig(document, "x")).contains("steps"));
  document["schedule"] = {{"decay", "cosine"}};
  EXPECT_TRUE(FieldsThatMatter(ParseTrainConfig(document, "x")).contains("steps"));
}

}  // namespace
}  // namespace t3
