// Notes on bases and teachers that were distilled, and none on others.
#include "training/distilled_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace t3 {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ModelInfo Sampled(int64_t steps, double guidance, bool distilled) {
  ModelInfo model;
  model.paths.dit = "m/dit.safetensors";
  model.defaults.sampling.steps = steps;
  model.defaults.sampling.guidance = guidance;
  if (distilled) model.distilled.emplace();
  return model;
}

TEST(DistilledNotes, OrdinaryTrainingUndoesADistillation) {
  DitTrainConfig config;
  EXPECT_THAT(DistilledNotes(config, Sampled(50, 5, false)), IsEmpty());
  EXPECT_THAT(DistilledNotes(config, Sampled(4, 5, false)), IsEmpty());
  EXPECT_THAT(DistilledNotes(config, Sampled(50, 1, true)),
              ElementsAre(AllOf(HasSubstr("m/dit.safetensors is distilled (unipc, 50 steps"),
                                HasSubstr("distil the result again"))));
  EXPECT_THAT(DistilledNotes(config, Sampled(4, 1, false)), testing::SizeIs(1)) << "by t3.json";
  config.lora.emplace();
  EXPECT_THAT(DistilledNotes(config, Sampled(4, 1, true)),
              ElementsAre(HasSubstr("`t3 generate --add-lora`")));
}

TEST(DistilledNotes, ATeacherOfFewStepsIsNoTeacher) {
  DistillConfig config;
  TeacherModel teacher{Sampled(4, 1, true), /*is_base=*/true, /*guidance=*/1, ""};
  EXPECT_THAT(DistilledNotes(config, teacher),
              ElementsAre(AllOf(HasSubstr("the teacher m/dit.safetensors is distilled"),
                                HasSubstr("\"teacher\": {\"model\": DIR}"))));
  config.objective = Objective::kRefine;
  EXPECT_THAT(DistilledNotes(config, teacher), IsEmpty()) << "it has no part without guidance";
  teacher.guidance = 3;
  EXPECT_THAT(DistilledNotes(config, teacher), testing::SizeIs(1));
  config.objective = Objective::kDmd;
  teacher.model = Sampled(50, 1, true);  // of the objective guidance
  EXPECT_THAT(DistilledNotes(config, teacher), IsEmpty());
  teacher.model = Sampled(50, 5, false);
  EXPECT_THAT(DistilledNotes(config, teacher), IsEmpty());
}

}  // namespace
}  // namespace t3
