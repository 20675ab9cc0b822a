// Decisions about a request: attention, windows, sizes, sampling.
#include "pipeline/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  request.width = 128;
  request.height = 64;
  request.frames = 9;
  request.output = "x.mp4";
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
  request.attention = "t3";
  EXPECT_EQ(PlanJob(model, request).attention.windows,
            PlanWindows({3, 4, 8}, PublishedWindows(ModelFamily::kWan21)));
  request.windows = "3,1,1;1,2,4";
  EXPECT_EQ(PlanJob(model, request).attention.windows, (WindowCycle{{3, 1, 1}, {1, 2, 4}}));
  request.windows = "4,1,1";
  EXPECT_THROW(PlanJob(model, request), Error);
  request.attention = "full";
  EXPECT_THROW(PlanJob(model, request), Error);
}

TEST(Job, UnknownAttentionIsRefusedForManyTokens) {
  ModelInfo model = Mini();
  model.attention.known = false;
  const Grid large{21, 136, 240};
  EXPECT_THROW(ChooseAttention(model, "auto", "", large), Error);
  EXPECT_EQ(ChooseAttention(model, "full", "", large).pattern, AttentionPattern::kFull);
  EXPECT_EQ(ChooseAttention(model, "t3", "", large).windows,
            PublishedWindows(ModelFamily::kWan21).cycle);
  model.attention = {AttentionPattern::kT3, true, "1,2,2"};
  EXPECT_EQ(ChooseAttention(model, "auto", "", large).windows, (WindowCycle{{1, 2, 2}}));
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
  EXPECT_EQ(kind_of([](Request& r) { r.steps = 0; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.shift = 0; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.frames = 8; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.fps = -1; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.guidance = 1e9; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.height.reset(); }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) { r.image = "x.png"; }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([](Request& r) {
              r.text_embeds = "a";
              r.negative_prompt = "b";
            }),
            ErrorKind::kUsage);
}

}  // namespace
}  // namespace t3
