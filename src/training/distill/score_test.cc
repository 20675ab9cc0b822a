// The formulas of distribution matching, the measures of clips, and the watch over the critic.
#include "training/distill/score.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/check.h"
#include "training/distill/clip_statistics.h"
#include "training/distill/critic.h"

namespace t3 {
namespace {

at::Tensor Random(int64_t seed) {
  return StepRandom(seed, 0, 0).Normal(Draw::kNoise, {2, 3, 2, 4, 6}, at::kCPU);
}

TEST(Score, LevelsAreShiftedAndKeepTheLimits) {
  const ScoreConfig config{.shift = 5, .min = 0.1, .max = 0.9};
  EXPECT_DOUBLE_EQ(ScoreLevel(config, 0), 5 * 0.1 / (1 + 4 * 0.1));
  EXPECT_DOUBLE_EQ(ScoreLevel(config, 0.5), 5 * 0.5 / (1 + 4 * 0.5));
  EXPECT_DOUBLE_EQ(ScoreLevel(config, 0.999), 0.9);
  EXPECT_DOUBLE_EQ(ScoreLevel({.shift = 0.2, .min = 0.1, .max = 0.9}, 0), 0.1);
}

TEST(Score, ThePredictionOfTheTrueVelocityIsTheSample) {
  const at::Tensor samples = Random(1);
  const ScoredBatch batch = AddScoreNoise(samples, {}, StepRandom(2, 0, 0));
  EXPECT_TRUE(at::allclose(Predicted(batch, batch.noise - samples), samples, 1e-4, 1e-5));
  EXPECT_EQ(CriticLoss(batch, samples, batch.noise - samples).item<double>(), 0);
  EXPECT_NEAR(CriticLoss(batch, samples, batch.noise - samples + 2).item<double>(), 4, 1e-5);
}

// In 1-D, with a student at `offset` from a teacher of the same spread, the step goes back.
TEST(Score, TheGradientPointsFromTheStudentsDistributionToTheTeachers) {
  const at::Tensor samples = Random(3), teacher = samples - 0.5, critic = samples;
  const at::Tensor gradient = DmdGradient(samples, critic, teacher);
  EXPECT_TRUE(at::allclose(gradient, at::ones_like(samples), 1e-4, 1e-4));
  const at::Tensor leaf = samples.clone().requires_grad_();
  const at::Tensor loss = DmdLoss(leaf, gradient);
  loss.backward();
  EXPECT_NEAR(loss.item<double>(), 0.5, 1e-4);
  EXPECT_TRUE(
      at::allclose(leaf.grad() * static_cast<double>(samples.numel()), gradient, 1e-4, 1e-5));
}

TEST(Score, EqualPredictionsGiveNoGradient) {
  const at::Tensor samples = Random(4);
  EXPECT_EQ(DmdGradient(samples, samples, samples).abs().max().item<double>(), 0);
}

TEST(ClipStatistics, GatesSeeColorContrastMotionAndDetail) {
  const auto clips = [](const at::Tensor& x) {
    return std::vector<ClipStatistics>{MeasureClips(x.unbind())};
  };
  const at::Tensor truth = Random(5);
  const auto compare = [&](const at::Tensor& x) {
    return CompareClips(clips(x), clips(truth)).values;
  };
  const GateResult equal = CompareClips(clips(truth), clips(truth));
  EXPECT_NEAR(equal.score, 0, 1e-9);
  EXPECT_NEAR(compare(truth + 0.5).at("gate_color"), 0.5, 0.1);
  EXPECT_NEAR(compare(truth + 0.5).at("gate_contrast"), 1, 1e-5);
  EXPECT_NEAR(compare(truth * 2).at("gate_contrast"), 2, 1e-5);
  EXPECT_NEAR(compare(truth * 2).at("gate_motion"), 2, 1e-5);
  at::Tensor still = truth.clone();
  still.select(2, 1).copy_(still.select(2, 0));
  EXPECT_LT(compare(still).at("gate_motion"), 1e-6);
  const at::Tensor smooth =
      at::avg_pool2d(truth.flatten(0, 1), 3, 1, 1, false, false).view(truth.sizes());
  EXPECT_LT(compare(smooth).at("gate_detail"), 0.8);
  EXPECT_GT(CompareClips(clips(smooth), clips(truth)).score, 0.2);
}

TEST(ClipStatistics, PackedAndBack) {
  ClipStatistics one = MeasureClips(Random(6).unbind());
  one.teacher_loss = 3;
  const ClipStatistics back = ClipStatistics::Unpack(one.Pack());
  EXPECT_TRUE(back.mean.equal(one.mean) && back.contrast.equal(one.contrast));
  EXPECT_EQ(back.motion, one.motion);
  EXPECT_EQ(back.detail, one.detail);
  EXPECT_EQ(back.teacher_loss, 3);
}

TEST(DivergenceWatch, ToleratesNoiseAndNoticesGrowth) {
  DivergenceWatch watch(3);
  for (int i = 0; i < 200; ++i) watch.Add(1 + 0.5 * std::sin(i));
  watch.Add(8);  // one outlier
  DivergenceWatch resumed(3);
  resumed.Restore(watch.State());
  const auto grow = [](DivergenceWatch& from) {
    int64_t steps = 0;
    try {
      for (double loss = 1; steps < 1000; loss *= 1.1, ++steps) from.Add(loss);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("the critic diverges"));
    }
    return steps;
  };
  const int64_t steps = grow(watch);
  EXPECT_LT(steps, 60);
  EXPECT_EQ(grow(resumed), steps);
  EXPECT_THROW(DivergenceWatch(3).Add(NAN), Error);
}

TEST(DivergenceWatch, SuspectsBeforeItThrows) {
  DivergenceWatch watch(3);
  watch.Add(1);
  EXPECT_FALSE(watch.Suspects());
  watch.Add(3.1);
  EXPECT_TRUE(watch.Suspects());
  watch.Add(2);
  EXPECT_FALSE(watch.Suspects());
  watch.Add(1000);
  watch.Restore(watch.State());
  EXPECT_TRUE(watch.Suspects());
  EXPECT_THROW(watch.Add(1), Error);  // the running mean is still high
}

}  // namespace
}  // namespace t3
