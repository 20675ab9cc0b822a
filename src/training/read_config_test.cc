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

// With `written`, fields that say what `fewer` leaves to the defaults.
void ExpectTheSame(json fewer, json written) {
  const test::Folder folder;
  const auto read = [&](const char* name, const json& document) {
    std::ofstream(folder.Path(name)) << document;
    return ReadTrainConfig(folder.Path(name), {});
  };
  const auto settings = [](const AnyTrainConfig& any) {
    return std::visit([](const auto& config) { return config.settings; }, any);
  };
  const ResumeSettings a = settings(read("a.json", fewer)), b = settings(read("b.json", written));
  EXPECT_THAT(a.DifferencesFrom(b.recorded(), json::object()), testing::IsEmpty()) << written;
  EXPECT_THAT(b.DifferencesFrom(a.recorded(), json::object()), testing::IsEmpty()) << written;
}

json With(json document, const json& more) {
  document.update(more, /*merge_objects=*/true);
  return document;
}

TEST(ReadConfig, DefaultsThatAreWrittenOutMeanTheSame) {
  const json dit{{"task", "dit"},
                 {"batch_size", 1},
                 {"accumulation", 1},
                 {"seed", 0},
                 {"ema", 0},
                 {"dtype", "auto"},
                 {"lora", nullptr},
                 {"train_text_encoder", false},
                 {"prompt_dropout", 0.1},
                 {"image_to_video", 0},
                 {"timesteps", {{"shift", 5}, {"min", 0}, {"max", 1000}, {"weighting", "none"}}},
                 {"optimizer",
                  {{"lr", 1e-5},
                   {"beta1", 0.9},
                   {"beta2", 0.999},
                   {"eps", 1e-8},
                   {"weight_decay", 0.01},
                   {"clip", 1.0},
                   {"matrices", "adamw"},
                   {"momentum", 0.95}}},
                 {"schedule", {{"warmup", 0}, {"decay", "constant"}, {"final", 0}}}};
  ExpectTheSame(Minimal(), With(Minimal(), dit));
  const json lora{{"lora", {{"rank", 8}}}};
  ExpectTheSame(
      With(Minimal(), lora),
      With(Minimal(),
           {{"lora",
             {{"rank", 8}, {"alpha", 8.0}, {"targets", {"q", "k", "v", "o", "ffn.0", "ffn.2"}}}}}));
}

TEST(ReadConfig, DefaultsOfADistillationThatAreWrittenOutMeanTheSame) {
  const json minimal = With(Minimal(), {{"task", "distill"}, {"optimizer", {{"lr", 1e-4}}}});
  ExpectTheSame(minimal,
                With(minimal, {{"objective", "dmd"},
                               {"critic", {{"updates", 5}, {"lr", 2e-5}, {"divergence", 10}}},
                               {"score", {{"shift", 5}, {"min", 0.02}, {"max", 0.98}}},
                               {"diversity", {{"weight", 0}, {"anchor_step", 10}}},
                               {"gates", {{"every_steps", 0}, {"batches", 2}}}}));
  const json lora = With(minimal, {{"lora", {{"rank", 4}}}});
  ExpectTheSame(lora, With(lora, {{"critic", {{"lora", {{"rank", 4}}}}}}));
  const json refine =
      With(minimal, {{"objective", "refine"}, {"sampling", {{"timesteps", {700, 400}}}}});
  ExpectTheSame(refine, With(refine, {{"timesteps", {{"max", 700}}}}));
}

TEST(ReadConfig, DefaultsOfAVaeThatAreWrittenOutMeanTheSame) {
  const json minimal{{"task", "vae"},
                     {"output", "out"},
                     {"steps", 10},
                     {"model", {{"vae", "x"}}},
                     {"data",
                      {{"world",
                        {{"batches", {{{"size", "64x64"}, {"frames", 5}}}},
                         {"measured", {{"size", "64x64"}, {"frames", 5}}}}}}}};
  ExpectTheSame(minimal,
                With(minimal, {{"train_part", "all"},
                               {"loss", {{"reconstruction", 1}, {"kl", 1e-6}, {"texture", 0}}}}));
  const json student = With(minimal, {{"student", {{"decoder", "y"}}}});
  ExpectTheSame(student, With(student, {{"student", {{"target", "clip"}}}}));
}

TEST(ReadConfig, SettingsThatMeanSomethingElseAreNamed) {
  const test::Folder folder;
  std::ofstream(folder.Path("x.json")) << With(Minimal(), {{"task", "distill"}});
  const auto settings =
      std::get<DistillConfig>(ReadTrainConfig(folder.Path("x.json"), {})).settings;
  EXPECT_THAT(
      settings.DifferencesFrom({{"task", "distill"}, {"score", {{"max", 0.9}}}}, json::object()),
      testing::ElementsAre("score was {\"max\":0.9}, now absent"));
  EXPECT_THAT(settings.DifferencesFrom(json::object(), json::object()),
              testing::ElementsAre("task was absent, now \"distill\""));
  EXPECT_THAT(
      settings.DifferencesFrom({{"task", "distill"}, {"seed", 0}, {"ema", 0.5}}, json::object()),
      testing::ElementsAre("ema was 0.5, now absent"));
}

}  // namespace
}  // namespace t3
