// Requests over a model's own sampling.
#include "pipeline/choose_sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "t3video/error.h"

namespace t3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const SamplingConfig kBase{};
const SamplingConfig kListed{.sampler = Sampler::kRenoise,
                             .steps = 3,
                             .guidance = 1,
                             .shift = 8,
                             .timesteps = {1000, 757, 522}};

// What a request may say of sampling.
struct Asked {
  std::optional<int64_t> steps = {};
  std::vector<double> timesteps = {};
  std::vector<double> sigmas = {};
  std::optional<double> guidance = {};
  std::optional<double> shift = {};
  std::optional<Sampler> sampler = {};
};

GenerationParams ParamsOf(const Asked& asked) {
  GenerationParams params;
  params.steps = asked.steps;
  params.timesteps = asked.timesteps;
  params.sigmas = asked.sigmas;
  params.guidance = asked.guidance;
  params.shift = asked.shift;
  params.sampler = asked.sampler;
  return params;
}

SamplingConfig Choose(const SamplingConfig& defaults, const Asked& asked) {
  return ChooseSampling(defaults, ParamsOf(asked));
}

std::string UsageErrorOf(const SamplingConfig& defaults, const Asked& asked) {
  try {
    Choose(defaults, asked);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "no error";
}

TEST(ChooseSampling, ListsSetTheSteps) {
  const SamplingConfig chosen = Choose(kBase, {.timesteps = {1000, 500}});
  EXPECT_EQ(chosen.steps, 2);
  EXPECT_EQ(chosen.timesteps, (std::vector<double>{1000, 500}));
  EXPECT_EQ(Choose(kBase, {.steps = 2, .sigmas = {1, 0.5}}).steps, 2);
}

TEST(ChooseSampling, TheModelsListStaysUntilStepsOrAShiftReplaceIt) {
  EXPECT_EQ(Choose(kListed, {}), kListed);
  EXPECT_EQ(Choose(kListed, {.steps = 3}), kListed);
  EXPECT_EQ(Choose(kListed, {.sampler = Sampler::kEuler}).timesteps, kListed.timesteps);
  const SamplingConfig more = Choose(kListed, {.steps = 8});
  EXPECT_FALSE(more.has_list());
  EXPECT_EQ(more.steps, 8);
  EXPECT_EQ(more.shift, 8);
  const SamplingConfig shifted = Choose(kListed, {.shift = 3});
  EXPECT_FALSE(shifted.has_list());
  EXPECT_EQ(shifted.steps, 3);
  EXPECT_EQ(shifted.shift, 3);
  const SamplingConfig other = Choose(kListed, {.sigmas = {0.9, 0.4}});
  EXPECT_TRUE(other.timesteps.empty());
  EXPECT_EQ(other.sigmas, (std::vector<double>{0.9, 0.4}));
}

TEST(ChooseSampling, RcmTakesFourStepsUnlessAsked) {
  EXPECT_EQ(Choose(kBase, {.sampler = Sampler::kRcm}).steps, 4);
  EXPECT_EQ(Choose(kBase, {.steps = 2, .sampler = Sampler::kRcm}).steps, 2);
  EXPECT_EQ(Choose(kListed, {.sampler = Sampler::kRcm}).steps, 3);
  EXPECT_THAT(UsageErrorOf(kBase, {.steps = 5, .sampler = Sampler::kRcm}),
              HasSubstr("`sampler` rcm has levels for 1 to 4 steps, not 5"));
}

TEST(ChooseSampling, ImpossibleListsAreUsageErrors) {
  EXPECT_THAT(UsageErrorOf(kBase, {.timesteps = {757, 1000}}), HasSubstr("must fall"));
  EXPECT_THAT(UsageErrorOf(kBase, {.timesteps = {1000, 0}}), HasSubstr("`timesteps`: 0 is not"));
  EXPECT_THAT(UsageErrorOf(kBase, {.sigmas = {1.5}}), HasSubstr("`sigmas`: 1.5 is not"));
  EXPECT_THAT(UsageErrorOf(kBase, {.timesteps = {1000}, .sigmas = {1}}),
              HasSubstr("give one of the two"));
  EXPECT_THAT(UsageErrorOf(kBase, {.steps = 3, .timesteps = {1000, 500}}),
              HasSubstr("`steps` 3 contradicts `timesteps`, which has 2 levels"));
  Asked many;
  for (int i = 0; i < 1001; ++i) many.timesteps.push_back(1000 - 0.5 * i);
  EXPECT_THAT(UsageErrorOf(kBase, many), HasSubstr("outside 1 to 1000"));
}

ModelInfo ModelWith(const SamplingConfig& sampling, bool distilled) {
  ModelInfo model;
  model.defaults.sampling = sampling;
  if (distilled) model.distilled = Distillation{"FastWan", "the file's tensors", false, sampling};
  return model;
}

std::vector<std::string> NotesOf(const ModelInfo& model, const Asked& asked) {
  return SamplingNotes(model, ParamsOf(asked), Choose(model.defaults.sampling, asked));
}

TEST(SamplingNotes, DistilledWeightsAreNamed) {
  const ModelInfo model = ModelWith(kListed, true);
  const auto recognised =
      HasSubstr("FastWan: renoise, timesteps 1000,757,522, guidance 1 (from the file's tensors)");
  EXPECT_THAT(NotesOf(model, {}), ElementsAre(recognised));
  EXPECT_THAT(NotesOf(model, {.steps = 50, .guidance = 5}),
              ElementsAre(recognised, HasSubstr("50 steps with guidance 5")));
}

TEST(SamplingNotes, AListThatRefinesIsNamedFromNoise) {
  const SamplingConfig list{.steps = 3, .timesteps = {750, 500, 250}};
  const ModelInfo model = ModelWith(list, false);
  EXPECT_THAT(NotesOf(model, {}), ElementsAre(HasSubstr("the first level is 0.75")));
  SamplingConfig refining = list;
  refining.strength = 0;  // encode and decode; no level is asked for
  EXPECT_THAT(SamplingNotes(model, {}, refining), IsEmpty());
}

TEST(SamplingNotes, FewStepsOfBaseWeightsAreNamed) {
  EXPECT_THAT(NotesOf(ModelWith(kBase, false), {.steps = 9}),
              ElementsAre(HasSubstr("few steps (9) give noise")));
  EXPECT_THAT(NotesOf(ModelWith(kBase, false), {.steps = 10}), IsEmpty());
  EXPECT_THAT(NotesOf(ModelWith(kListed, false), {}), IsEmpty());  // t3.json says so
}

TEST(SamplingNotes, AShiftBesideAListHasNoEffect) {
  EXPECT_THAT(NotesOf(ModelWith(kListed, false), {.timesteps = {1000, 500}, .shift = 3}),
              ElementsAre(HasSubstr("`shift` has no effect")));
}

}  // namespace
}  // namespace t3
