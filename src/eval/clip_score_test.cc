// Scores of clips whose faults are known, and reports of scores worked by hand.
#include "eval/clip_score.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "eval/eval_record.h"
#include "measure/clip_measures.h"
#include "t3video/error.h"
#include "world/world.h"

namespace t3 {
namespace {

// A sea by day, a red balloon moving right, the sun on the left, green lanterns.
WorldScene BalloonAtSea() { return SampleScene(1, {0, 1, 0, 0, 0, 0, 2, 0, 2}); }

at::Tensor Render(const WorldScene& scene) {
  return RenderScene(scene, {.frames = 5, .fps = 5}, at::kCPU);
}

TEST(ClipScore, ATrueClipIsRightInEveryMeasure) {
  const WorldScene scene = BalloonAtSea();
  const at::Tensor clip = Render(scene);
  const ClipScore score = ScoreClip(7, scene, clip, clip);
  EXPECT_EQ(score.scene, 7U);
  EXPECT_EQ(score.read, scene.Values());
  for (const char* name :
       {"land", "pair", "attributes", "all_attributes", "one_object", "mirror", "shading",
        "path_continuous", "constraints", "detail_ratio", "flicker_ratio"}) {
    EXPECT_EQ(score.measures.at(name), 1) << name;
  }
  EXPECT_EQ(score.measures.at("detail_distance"), 0);
  EXPECT_FALSE(score.measures.contains("shadow"));
  EXPECT_FALSE(score.measures.contains("loss"));
}

TEST(ClipScore, FaultsShowWhereTheyAre) {
  const WorldScene scene = BalloonAtSea();
  const at::Tensor truth = Render(scene);
  // Green lanterns and a red balloon become red and green; half the contrast.
  const at::Tensor swapped = truth.index_select(0, at::tensor({1, 0, 2}, at::kLong));
  const ClipScore colors = ScoreClip(0, scene, swapped, truth);
  EXPECT_EQ(colors.measures.at("color"), 0);
  EXPECT_EQ(colors.measures.at("pair"), 0);
  EXPECT_EQ(colors.measures.at("motion"), 1);
  EXPECT_EQ(colors.measures.at("all_attributes"), 0);
  EXPECT_LE(colors.measures.at("attributes"), 7.0 / 9 + 1e-12);
  const ClipScore flat = ScoreClip(0, scene, truth * 0.5, truth);
  EXPECT_NEAR(flat.measures.at("detail_ratio"), 0.25, 1e-4);
  EXPECT_NEAR(flat.measures.at("detail_distance"), std::log(4.0), 1e-3);
  EXPECT_NEAR(flat.measures.at("flicker_ratio"), 0.5, 1e-4);
  EXPECT_DOUBLE_EQ(flat.measures.at("flicker_true"), Flicker(truth) * 255);
  EXPECT_NEAR(flat.measures.at("flicker"), Flicker(truth) * 255 / 2, 1e-4);
  EXPECT_THROW(ScoreClip(0, scene, truth.narrow(1, 0, 3), truth), Error);
}

TEST(ClipScore, ATruePictureHasMoreThanAnEnlargement) {
  const WorldScene scene = BalloonAtSea();
  const at::Tensor large = Render(scene);
  const at::Tensor small =
      RenderScene(scene, {.width = 64, .height = 48, .frames = 5, .fps = 5}, at::kCPU);
  EXPECT_GT(DetailOverEnlarged(large, small), 2);
  EXPECT_NEAR(DetailOverEnlarged(large, large), 1, 1e-3);
}

TEST(ClipScore, OnLandItIsTheShadow) {
  const WorldScene scene = SampleScene(1, {3, 1, 0, 0, 0, 0, 2, 0, 2});
  const at::Tensor clip = Render(scene);
  const ClipScore score = ScoreClip(0, scene, clip, clip);
  EXPECT_EQ(score.measures.at("shadow"), 1);
  EXPECT_FALSE(score.measures.contains("mirror"));
  // Seen from behind, light and shadow fall on the other sides alike, but the scene wants the left.
  EXPECT_EQ(ScoreClip(0, scene, clip.flip(3), clip).measures.at("light"), 0);
}

TEST(EvalReport, MeansByHand) {
  EvalRecord record;
  record.settings = {{"size", "64x48"}, {"frames", 5}};
  for (const double value : {1.0, 0.0, 1.0, 1.0}) {
    ClipScore& clip = record.clips.emplace_back();
    clip.scene = record.clips.size();
    clip.measures = {{"land", value}};
  }
  record.clips[0].measures["mirror"] = 1;
  record.clips[0].measures["loss"] = 1;
  // Mean 3/4; Wilson's interval 0.3006 to 0.9544.
  const EvalResult result = ResultOf(record);
  ASSERT_EQ(result.means.size(), 3U);
  EXPECT_EQ(result.means[0].first.name, "land");
  EXPECT_EQ(result.means[0].second.mean, 0.75);
  EXPECT_EQ(result.means[0].second.count, 4);
  const auto parsed = nlohmann::json::parse(RecordJson(record));
  EXPECT_NEAR(parsed["summary"]["land"]["low"], 0.3006, 1e-4);
  EXPECT_NEAR(parsed["summary"]["land"]["high"], 0.9544, 1e-4);
  EXPECT_NEAR(parsed["summary"]["land"]["half_width"], (0.9544 - 0.3006) / 2, 1e-4);
  EXPECT_EQ(parsed["summary"]["mirror"]["clips"], 1);
  EXPECT_NEAR(parsed["summary"]["mirror"]["low"], 0.2065, 1e-4);
  EXPECT_FALSE(parsed["summary"]["loss"].contains("half_width")) << "one value without bounds";
  EXPECT_FALSE(parsed["summary"].contains("time"));
  EXPECT_EQ(parsed["clips"].size(), 4U);
  EXPECT_FALSE(parsed.contains("fp8_attention"));  // in other dtypes
  record.fp8_attention = {{2880, 0, 40}, {162'000, 58, 2}};
  EXPECT_EQ(ResultOf(record).fp8_attention[1].fp8, 58);
  const auto counts = nlohmann::json::parse(RecordJson(record))["fp8_attention"];
  ASSERT_EQ(counts.size(), 2U);
  EXPECT_EQ(counts[1]["tokens"], 162'000);
  EXPECT_EQ(counts[1]["fp8"], 58);
  EXPECT_EQ(counts[1]["bf16"], 2);
}

}  // namespace
}  // namespace t3
