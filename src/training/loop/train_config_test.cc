// Shared fields, their checks and what a checkpoint keeps of them.
#include "training/loop/train_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/error_of.h"
#include "t3video/error.h"

namespace t3 {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json Minimal() { return {{"output", "out"}, {"steps", 10}}; }

TrainConfig Parse(const json& document) {
  JsonFields root(document, "x.json");
  const TrainConfig config = TakeTrainConfig(root, document);
  root.CheckAllTaken();
  return config;
}

std::string MessageOf(const json& document) {
  return ErrorOf([&] { Parse(document); });
}

TEST(TrainConfig, UnknownFieldsNameTheNearest) {
  json document = Minimal();
  document["acumulation"] = 2;
  EXPECT_THAT(MessageOf(document), HasSubstr("did you mean \"accumulation\"?"));
  document = Minimal();
  document["optimizer"] = {{"learning", 1}};
  EXPECT_THAT(MessageOf(document), HasSubstr("x.json: optimizer: \"learning\""));
}

TEST(TrainConfig, WrongTypesAndRangesAreNamed) {
  const std::pair<json, std::string> wrong[] = {
      {{{"steps", "ten"}}, "\"steps\" is \"ten\", wanted a whole number"},
      {{{"steps", 1.5}}, "\"steps\" is 1.5"},
      {{{"steps", 1e300}}, "\"steps\" is 1e+300"},
      {{{"steps", 18446744073709551615U}}, "\"steps\" is 18446744073709551615"},
      {{{"seed", -1}}, "\"seed\" is -1"},
      {{{"batch_size", 0}}, "\"batch_size\" is 0"},
      {{{"optimizer", 3}}, "optimizer is a JSON number"},
      {{{"optimizer", {{"lr", "fast"}}}}, "\"lr\" is \"fast\""},
      {{{"schedule", {{"decay", "exponential"}}}}, "one of constant, cosine, linear"},
      {{{"checkpoint", {{"keep", 0}}}}, "\"keep\" is 0"},
      {{{"model", json::array()}}, "\"model\" is [], wanted a text"},
      {{{"model", {{"loras", "x"}}}}, "wanted a list of objects"},
      {{{"model", {{"loras", {{{"scale", 1}}}}}}}, "loras[0] needs \"file\""},
      {{{"output", ""}}, "\"output\" must name"},
      {{{"output", nullptr}}, "\"output\" is null"},
      {{{"ema", 1}}, "\"ema\" is 1"},
  };
  for (const auto& [fields, message] : wrong) {
    json document = Minimal();
    document.update(fields);
    EXPECT_THAT(MessageOf(document), HasSubstr(message)) << fields.dump();
  }
  EXPECT_EQ(MessageOf(Minimal()), "");
}

TEST(TrainConfig, ACheckpointKeepsWhatDecidesTheWeights) {
  json document = Minimal();
  document["seed"] = 3;
  document["checkpoint"] = {{"keep", 4}};
  EXPECT_EQ(Parse(document).settings.recorded(), (json{{"seed", 3}}));
  document["schedule"] = {{"decay", "cosine"}};
  EXPECT_TRUE(Parse(document).settings.recorded().contains("steps"));
}

}  // namespace
}  // namespace t3
