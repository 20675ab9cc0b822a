// Decisions about a request: attention, windows, sizes, sampling.
#include "pipeline/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/refinement.h"
#include "pipeline/state/settings.h"
#include "plan/windows.h"
#include "t3video/error.h"

namespace t3 {
namespace {

ModelInfo Mini() {
  return OpenModel({.model = std::string(T3_SOURCE_DIR) + "/tests/data/reference/mini2.1"});
}

Request SmallRequest() {
  Request request;
  request.prompt = "x";
  request.params.size = VideoSize{128, 64};
  request.params.frames = 9;
  request.output.path = "x.mp4";
  return request;
}

TEST(Job, DefaultsComeFromTheModel) {
  const ModelInfo model = Mini();
  const Job job = PlanJob(model, SmallRequest());
  EXPECT_EQ(job.attention.pattern, AttentionPattern::kFull);
  EXPECT_EQ(job.sampling, SamplingConfig{});
  EXPECT_EQ(job.fps, 16);
  EXPECT_EQ(job.negative_prompt, kWanNegativePrompt);
  EXPECT_EQ(job.geometry.grid, (Grid{3, 4, 8}));
}

TEST(Job, WindowsAreGivenOrPlanned) {
  const ModelInfo model = Mini();
  Request request = SmallRequest();
  request.params.attention = AttentionPattern::kT3;
  EXPECT_EQ(PlanJob(model, request).attention.windows,
            PlanWindows({3, 4, 8}, PublishedWindows(ModelFamily::kWan21)));
  request.params.windows = {{3, 1, 1}, {1, 2, 4}};
  EXPECT_EQ(PlanJob(model, request).attention.windows, (WindowCycle{{3, 1, 1}, {1, 2, 4}}));
  request.params.windows = {{4, 1, 1}};
  EXPECT_THROW(PlanJob(model, request), Error);
  request.params.attention = AttentionPattern::kFull;
  EXPECT_THROW(PlanJob(model, request), Error);
}

// A record names every value that was decided: repeating it must decide the same.
TEST(Job, DecidedRequestsDecideTheSame) {
  ModelInfo model = Mini();
  model.attention = {AttentionPattern::kT3, true, ""};
  Request request = SmallRequest();
  request.params.size = VideoSize{3840, 2160};  // generated at 3840x2176 and cropped
  request.params.frames = 81;
  const Job first = PlanJob(model, request);
  const Job again = PlanJob(model, DecidedRequest(first));
  EXPECT_EQ(first.geometry.padded_height, 2176);
  EXPECT_EQ(again.geometry.padded_height, 2176);
  EXPECT_EQ(again.attention.windows, first.attention.windows);
  EXPECT_EQ(JobMetadata(model, again, "fp32"), JobMetadata(model, first, "fp32"));
}

TEST(Job, SettingsWithoutEffectAreNamed) {
  const ModelInfo model = Mini();
  const auto notes_of = [&](auto change) {
    Request request = SmallRequest();
    change(request);
    return PlanJob(model, request).notes;
  };
  EXPECT_TRUE(notes_of([](Request&) {}).empty());
  EXPECT_THAT(notes_of([](Request& r) {
                r.params.guidance = 1;
                r.negative_prompt = "blurry";
              }),
              testing::ElementsAre(testing::HasSubstr("`negative-prompt`")));
  EXPECT_THAT(notes_of([](Request& r) {
                r.output.path = "x.safetensors";
                r.output.file.crf = 20;
              }),
              testing::ElementsAre(testing::HasSubstr("`crf`")));
  EXPECT_THAT(notes_of([](Request& r) {
                r.noise = "n.safetensors";
                r.seed = 3;
              }),
              testing::ElementsAre(testing::HasSubstr("`seed`")));
}

TEST(Job, UnknownAttentionIsRefusedForManyTokens) {
  ModelInfo model = Mini();
  model.attention.known = false;
  const Grid large{21, 136, 240};
  EXPECT_THROW(ChooseAttention(model, std::nullopt, {}, large), Error);
  EXPECT_EQ(ChooseAttention(model, AttentionPattern::kFull, {}, large).pattern,
            AttentionPattern::kFull);
  EXPECT_EQ(ChooseAttention(model, AttentionPattern::kT3, {}, large).windows,
            PublishedWindows(ModelFamily::kWan21).cycle);
  model.attention = {AttentionPattern::kT3, true, "1,2,2"};
  EXPECT_EQ(ChooseAttention(model, std::nullopt, {}, large).windows, (WindowCycle{{1, 2, 2}}));
}

TEST(Job, BadRequestsAreUsageErrors) {
  const ModelInfo model = Mini();
  const auto kind_of = [&](auto change) {
    Request request = SmallRequest();
    change(request);
    try {
      PlanJob(model, request);
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::kFailed;
  };
  EXPECT_EQ(kind_of([](Request& r) { r.params.steps = 0; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.params.shift = 0; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.params.frames = 8; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.output.fps = -1; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.params.guidance = 1e9; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.params.shift = 1e-10; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.params.guidance = -1; }), ErrorKind::kUsage);
  // Without a clip to refine, a draft and fp8 as well.
  EXPECT_EQ(kind_of([](Request& r) { r.params.draft_steps = 0; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.params.draft_sampling = "3"; }), ErrorKind::kFailed);
  EXPECT_EQ(kind_of([](Request& r) { r.params.strength = 1.5; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.params.fp8_exclude_steps = -1; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.checkpoint.every = -1; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.preview.every = 0; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.image.path = "x.png"; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.text_embeds = "a"; }), ErrorKind::kUsage);  // and a prompt
  EXPECT_EQ(kind_of([](Request& r) {
              r.prompt.clear();
              r.text_embeds = "a";
              r.negative_prompt = "b";
            }),
            ErrorKind::kUsage);
}

// "euler, 4 steps, shift 3, guidance 1" of a draft, with the settings of the whole request.
SamplingConfig DraftSampling(const std::string& stated, const GenerationParams& params = {}) {
  Request request = SmallRequest();
  request.params = params;
  request.params.size = VideoSize{128, 64};
  request.params.frames = 9;
  request.params.draft = DraftChoice{VideoSize{64, 32}};
  request.params.draft_sampling = stated;
  const ModelInfo model = Mini();
  return PlanJob(model, DraftRequest(PlanJob(model, request))).sampling;
}

TEST(Job, ADraftMayBeSampledInAnotherWay) {
  GenerationParams params;
  params.guidance = 3;
  params.shift = 7;
  EXPECT_EQ(DraftSampling("", params), (SamplingConfig{.guidance = 3, .shift = 7}));
  EXPECT_EQ(DraftSampling(R"({"guidance": 1})", params),
            (SamplingConfig{.guidance = 1, .shift = 7}));
  EXPECT_EQ(DraftSampling(R"({"sampler": "renoise", "timesteps": [1000, 500]})").timesteps,
            (std::vector<double>{1000, 500}));
  EXPECT_EQ(DraftSampling(R"({"steps": 6, "sampler": "euler"})"),
            (SamplingConfig{.sampler = Sampler::kEuler, .steps = 6}));
  params.draft_steps = 9;  // counts before
  EXPECT_EQ(DraftSampling(R"({"steps": 6})", params).steps, 9);
  for (const char* wrong :
       {"{", "3", R"({"step": 3})", R"({"guidance": "high"})", R"({"timesteps": [500, 1000]})"}) {
    try {
      DraftSampling(wrong);
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("`draft-sampling`"));
    }
  }
}

}  // namespace
}  // namespace t3
