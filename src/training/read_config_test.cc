// --set and the choice of the task.
#include "training/read_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/testing/error_of.h"
#include "t3video/error.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json Minimal() { return {{"output", "out"}, {"steps", 10}, {"data", {{"prepared", "data"}}}}; }

TEST(ReadConfig, OverridesReplaceAndAdd) {
  json document = Minimal();
  for (const char* assignment : {"optimizer.lr=1e-3", "attention.pattern=t3", "steps=7",
                                 "lora.targets=[\"q\"]", "model=some/folder"}) {
    Override(assignment, &document);
  }
  const DitTrainConfig config = ParseDitTrainConfig(document, "x.json");
  EXPECT_EQ(config.optimizer.lr, 1e-3);
  EXPECT_EQ(config.attention, AttentionPattern::kT3);
  EXPECT_EQ(config.steps, 7);
  EXPECT_EQ(config.lora->targets, std::vector<std::string>{"q"});
  EXPECT_EQ(config.model.model, "some/folder");
  EXPECT_THROW(Override("steps", &document), Error);
  EXPECT_THROW(Override("steps.more=1", &document), Error);
  EXPECT_THROW(Override("output=caf\xe9", &document), Error);
  Override("output=" + std::string(100'000, '['), &document);  // too deep for JSON: a string
  EXPECT_TRUE(document["output"].is_string());
}

std::string MessageOf(const std::string& text) {
  const test::Folder folder;
  std::ofstream(folder.Path("x.json")) << text;
  return ErrorOf([&] { ReadTrainConfig(folder.Path("x.json"), {}); });
}

TEST(ReadConfig, FilesThatAreNotConfigurationsAreNamed) {
  EXPECT_THAT(MessageOf("[1]"), HasSubstr("x.json is a JSON array, wanted an object"));
  EXPECT_THAT(MessageOf(std::string(250'000, '[')), HasSubstr("x.json"));
  EXPECT_THAT(MessageOf(R"({"task": 3})"),
              HasSubstr("\"task\" is 3, wanted one of dit, distill, vae"));
  EXPECT_EQ(MessageOf(Minimal().dump()), "");
  json vae = Minimal();
  vae["task"] = "vae";
  EXPECT_THAT(MessageOf(vae.dump()), HasSubstr("needs \"world\""));
}

}  // namespace
}  // namespace t3
