// Fields of a distillation that are wrong.
#include "training/distill/distill_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/error_of.h"
#include "training/distill/testing/mini_distill.h"

namespace t3 {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string ErrorWith(const json& more) {
  return ErrorOf([&] { MiniDistillConfig("unused", more); });
}

TEST(DistillConfig, NamesTheFieldThatIsWrong) {
  const std::pair<json, const char*> cases[] = {
      {{{"sampling", {{"timesteps", {1000, 500, 700}}}}}, "\"timesteps\""},
      {{{"sampling", {{"timesteps", json::array()}}}}, "is an empty list"},
      {{{"sampling", {{"sampler", "unipc"}}}}, "is trained with renoise or euler"},
      {{{"sampling", {{"guidance", 4}}}}, "without guidance"},
      {{{"sampling", {{"step", 4}}}}, "steps"},
      {{{"critics", json::object()}}, "critic"},
      {{{"critic", {{"rate", 1}}}}, "rate"},
      {{{"critic", {{"updates", 0}}}}, "updates"},
      {{{"critic", {{"toward_student", 0.1}}}, {"lora", {{"rank", 4}}}},
       "does not go with \"lora\""},
      {{{"score", {{"min", 0.9}, {"max", 0.3}}}}, "is not below"},
      {{{"objective", "gan"}}, "dmd, guidance, consistency"},
      {{{"objective", "guidance"}, {"critic", {{"lr", 1}}}}, "\"critic\" has no effect"},
      {{{"timesteps", {{"max", 500}}}}, "\"timesteps\" has no effect"},
      {{{"diversity", {{"weight", 1}, {"anchor_step", 40}}}}, "is not below \"teacher_steps\""},
      {{{"diversity", {{"weight", 1}}}, {"sampling", {{"timesteps", {1000}}}}}, "2 steps or more"},
      {{{"prompt_dropout", 0.1}}, "prompt_dropout"},
      {{{"train_text_encoder", true}}, "train_text_encoder"}};
  for (const auto& [more, message] : cases) {
    EXPECT_THAT(ErrorWith(more), HasSubstr(message)) << more;
  }
  EXPECT_EQ(ErrorWith({}), "");
}

TEST(DistillConfig, DraftsAreForRefiners) {
  json more{{"data",
             {{"prepared", ""},
              {"world", {{"sizes", {{{"size", "64x64"}, {"clips", 2}, {"draft", "32x32"}}}}}}}}};
  EXPECT_THAT(ErrorWith(more), HasSubstr("a list in \"sampling\" that begins below 1"));
  more["sampling"]["timesteps"] = {800, 400};
  EXPECT_EQ(ErrorWith(more), "");
}

TEST(DistillConfig, ACriticFollowsTheStudentWhereNothingElseIsSaid) {
  const DistillConfig config =
      MiniDistillConfig("unused", {{"lora", {{"rank", 4}}}, {"optimizer", {{"lr", 1e-4}}}});
  ASSERT_TRUE(config.critic.lora.has_value());
  EXPECT_EQ(config.critic.lora->rank, 4);
  EXPECT_DOUBLE_EQ(config.critic.lr, 2e-5);
  EXPECT_FALSE(
      MiniDistillConfig("unused", {{"lora", {{"rank", 4}}}, {"critic", {{"lora", nullptr}}}})
          .critic.lora.has_value());
}

TEST(DistillConfig, AStudentOfGuidanceIsSampledAsTheFileSays) {
  const json guidance{{"objective", "guidance"}};
  const DistillConfig base = MiniDistillConfig("unused", guidance);
  EXPECT_EQ(StudentSampling(base, MiniModel()).steps, MiniModel().defaults.sampling.steps);
  json named = guidance;
  named["sampling"]["timesteps"] = {900, 600, 300};
  const SamplingConfig sampling = StudentSampling(MiniDistillConfig("unused", named), MiniModel());
  EXPECT_EQ(sampling.sampler, Sampler::kEuler);
  EXPECT_EQ(sampling.timesteps, (std::vector<double>{900, 600, 300}));
  EXPECT_EQ(sampling.guidance, 1);
}

TEST(DistillConfig, AListThatBeginsBelowNoiseMakesARefiner) {
  const DistillConfig config =
      MiniDistillConfig("unused", {{"sampling", {{"timesteps", {700, 400}}}}});
  EXPECT_TRUE(config.uses_clips());
  EXPECT_NEAR(config.score.max, 0.7, 1e-6);
}

TEST(DistillConfig, WhereTheTeacherLiesDoesNotMatterToACheckpoint) {
  const auto recorded = [](json teacher) {
    return MiniDistillConfig("unused", {{"teacher", std::move(teacher)}}).settings.recorded();
  };
  EXPECT_EQ(recorded({{"model", "a"}}), recorded({{"model", "b"}}));
}

TEST(DistillConfig, ATeacherThatNamesTheBaseIsTheBase) {
  const std::string folder = T3_SOURCE_DIR "/tests/data/reference/mini2.1";
  const DistillConfig config = MiniDistillConfig("unused", {{"teacher", {{"model", folder}}}});
  ModelInfo base = MiniModel();
  EXPECT_TRUE(OpenTeacher(config, base).is_base);
  base.loras.push_back({"x.safetensors", 1});
  EXPECT_FALSE(OpenTeacher(config, base).is_base);
}

// What the fields come to is in the identity, with the teacher's and the base's own.
TEST(DistillConfig, TheIdentityHasGuidanceAndSampling) {
  const ModelInfo base = MiniModel();
  const auto identity = [&](const json& more) {
    const DistillConfig config = MiniDistillConfig("unused", more);
    return DistillIdentity(config, base, OpenTeacher(config, base), "data");
  };
  const json usual = identity({});
  EXPECT_EQ(usual, identity({{"sampling", {{"steps", 4}, {"shift", 5}}}}));
  EXPECT_NE(usual["sampling"], identity({{"sampling", {{"steps", 8}}}})["sampling"]);
  EXPECT_NE(usual["teacher"], identity({{"teacher", {{"guidance", 4}}}})["teacher"]);
  EXPECT_EQ(usual["teacher"]["weights"]["denoiser"], usual["weights"]["denoiser"]);
  const json guidance{{"objective", "guidance"}};
  json named = guidance;
  named["sampling"] = {{"steps", base.defaults.sampling.steps},
                       {"shift", base.defaults.sampling.shift}};
  EXPECT_EQ(identity(guidance)["sampling"]["steps"], identity(named)["sampling"]["steps"]);
}

}  // namespace
}  // namespace t3
