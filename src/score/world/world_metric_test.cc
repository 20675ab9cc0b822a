// True renders score fully, others' captions do not; flicker is that of t3 eval.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>

#include "measure/clip_measures.h"
#include "score/metric.h"
#include "score/plane.h"
#include "t3video/error.h"
#include "world/world.h"

namespace t3 {
namespace {

using Values = std::map<std::string_view, double>;

Values ScoreRender(const MetricGroup& group, const at::Tensor& video, const std::string& prompt) {
  ClipInfo info{.width = video.size(3),
                .height = video.size(2),
                .frames = video.size(1),
                .fps = 16,
                .prompt = prompt};
  const MetricSetup setup;
  const auto metric = group.open(setup);
  const auto clip = metric->Start(info);
  for (int64_t t = 0; t < info.frames; ++t) {
    const at::Tensor rgb = video.select(1, t).contiguous();
    std::vector<float> luma(static_cast<size_t>(info.width * info.height));
    LumaOf(rgb.const_data_ptr<float>(), std::ssize(luma), luma.data());
    clip->Add({.index = t,
               .width = info.width,
               .height = info.height,
               .rgb = rgb.const_data_ptr<float>(),
               .luma = luma.data()});
  }
  Values values;
  for (const auto& [name, value] : clip->Finish()) values[name] = value;
  return values;
}

const MetricGroup& Find(std::span<const MetricGroup> groups, std::string_view name) {
  for (const MetricGroup& group : groups) {
    if (group.name == name) return group;
  }
  throw Error("no such group");
}

TEST(WorldMetric, TrueRendersScoreFully) {
  const WorldScene scene = SampleScene(11);
  const at::Tensor video = RenderScene(scene, {.width = 320, .height = 180, .frames = 9}, at::kCPU);
  const Values values = ScoreRender(Find(WorldMetricGroups(), "world"), video, Caption(scene, 1));
  EXPECT_EQ(values.at("world_attributes"), 1);
  EXPECT_EQ(values.at("world_constraints"), 1);
  WorldValues other = scene.Values();
  other[1] = (other[1] + 1) % 4;
  other[3] = 1 - other[3];
  const Values wrong =
      ScoreRender(Find(WorldMetricGroups(), "world"), video, Caption(SampleScene(11, other), 1));
  EXPECT_NEAR(wrong.at("world_attributes"), 7.0 / 9, 1e-9);
}

TEST(WorldMetric, OtherPromptsAreAGap) {
  const at::Tensor video = at::zeros({3, 2, 144, 256});
  try {
    ScoreRender(Find(WorldMetricGroups(), "world"), video, "A leopard.");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  }
}

// Two implementations of one definition, in luma of 0 to 1 and of 0 to 255.
TEST(WorldMetric, FlickerIsThatOfEval) {
  const at::Tensor video =
      RenderScene(SampleScene(3), {.width = 250, .height = 140, .frames = 5}, at::kCPU);
  const double expected = Flicker(video) * 255;
  EXPECT_NEAR(ScoreRender(Find(FrameMetricGroups(), "flicker"), video, "").at("flicker"), expected,
              1e-4 * expected);
}

}  // namespace
}  // namespace t3
