// Fields of the task "dit".
#include "training/dit/dit_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/error_of.h"
#include "t3video/error.h"

namespace t3 {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json WorldWith(json fields) {
  fields["sizes"] = {{{"size", "32x32"}, {"frames", 5}, {"clips", 2}}};
  return {{"world", fields}};
}

json Minimal() { return {{"output", "out"}, {"steps", 10}, {"data", {{"prepared", "data"}}}}; }

std::string MessageOf(const json& fields) {
  json document = Minimal();
  document.update(fields);
  return ErrorOf([&] { ParseDitTrainConfig(document, "x.json"); });
}

TEST(DitTrainConfig, WrongValuesAreNamed) {
  const std::pair<json, std::string> wrong[] = {
      {{{"attention", {{"pattern", "T3"}}}}, "one of t3, full"},
      {{{"attention", {{"pattern", "full"}, {"windows", "1,1,1"}}}},
       "needs a \"pattern\" beside it"},
      {{{"buckets", {{{"size", "256x"}, {"frames", 5}}}}}, "WIDTHxHEIGHT"},
      {{{"buckets", {{{"size", "256x144"}, {"frames", 6}}}}}, "4n + 1"},
      {{{"buckets", json::array()}}, "\"buckets\" is empty"},
      {{{"buckets", "256x144"}}, "wanted a list of objects"},
      {{{"lora", {{"rank", 0}}}}, "\"rank\" is 0"},
      {{{"lora", {{"targets", json::array()}}}}, "\"targets\" is empty"},
      {{{"lora", json::object()}, {"train_text_encoder", true}}, "does not go with"},
      {{{"samples", {{"every_steps", 5}}}}, "without \"prompts\""},
      {{{"samples", {{"frames", 6}}}}, "4n + 1"},
      {{{"samples", {{"guidance", "high"}}}}, "\"guidance\" is \"high\""},
      {{{"activation_checkpoints", "all"}}, "one of none, block, offload"},
      {{{"timesteps", {{"min", 600}, {"max", 500}}}}, "\"min\" 600 is not below \"max\" 500"},
      {{{"timesteps", {{"max", 1001}}}}, "\"max\" is 1001"},
      {{{"validation", {{"every_steps", 5}}}}, "needs either \"prepared\""},
      {{{"data", WorldWith({})},
        {"validation", {{"every_steps", 5}, {"world", WorldWith({{"seed", 3}})["world"]}}},
        {"seed", 3}},
       "\"seed\" 3 is that of \"data\""},
      {{{"data", {{"prepared", 3}}}}, "\"prepared\" is 3"},
      {{{"data", json::object()}}, "needs either \"prepared\""},
      {{{"data", {{"prepared", "a"}, {"videos", {{"size", "64x64"}}}}}}, "needs \"source\""},
      {{{"data", {{"prepared", "a"}, {"world", {{"sizes", json::array()}}}}}}, "needs \"sizes\""},
      {{{"loss", {{"kl", 1}}}}, "\"loss\""},
  };
  for (const auto& [fields, message] : wrong) {
    EXPECT_THAT(MessageOf(fields), HasSubstr(message)) << fields.dump();
  }
  EXPECT_EQ(MessageOf(json::object()), "");
}

TEST(DitTrainConfig, ValidationClipsAreNotThoseOfTheTraining) {
  const auto seed_with = [](const json& world) {
    json document = Minimal();
    document["seed"] = 3;
    document["data"] = WorldWith(world);
    document["validation"] = WorldWith({});
    return ParseDitTrainConfig(document, "x.json").validation.world->seed;
  };
  EXPECT_EQ(seed_with({}), 4);
  EXPECT_EQ(seed_with({{"seed", 7}}), 4);
  EXPECT_EQ(seed_with({{"seed", 4}}), 5);
}

TEST(DitTrainConfig, ReadsWhatIsGiven) {
  json document = Minimal();
  document["samples"] = {{"prompts", {"a"}}, {"size", "64x32"}, {"guidance", 0}};
  document["timesteps"] = {{"max", 600}};
  document["data"] = {{"prepared", "d"}, {"videos", {{"source", "v"}, {"size", "64x32"}}}};
  const DitTrainConfig config = ParseDitTrainConfig(document, "x.json");
  EXPECT_EQ(config.samples.params.size, (VideoSize{64, 32}));
  EXPECT_EQ(config.samples.params.guidance, 0);
  EXPECT_FALSE(config.samples.params.steps);
  EXPECT_FALSE(config.attention);
  EXPECT_EQ(config.timesteps.max, 600);
  EXPECT_EQ(config.data.videos->output, "d");
  EXPECT_EQ(config.data.videos->sizes.size(), 1U);
}

}  // namespace
}  // namespace t3
