// Noise levels, weights and the randomness of a step.
#include "training/dit/flow.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "t3video/error.h"

namespace t3 {
namespace {

TEST(Flow, TimestepsAreShiftedAndWeightedAsTheReferenceTrainer) {
  const TimestepTable table({.shift = 5, .weighting = Weighting::kGaussian});
  EXPECT_DOUBLE_EQ(table.timestep(0), 1000);
  EXPECT_NEAR(table.sigma(500), 5 * 0.5 / (1 + 4 * 0.5), 1e-15);
  std::vector<double> weights;
  for (int64_t i = 0; i < TimestepTable::kSize; ++i) weights.push_back(table.weight(i));
  EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0) / 1000, 1, 1e-12);
  EXPECT_EQ(*std::min_element(weights.begin(), weights.end()), 0);
  const auto best = std::max_element(weights.begin(), weights.end()) - weights.begin();
  EXPECT_NEAR(table.timestep(best), 500, 1);
  EXPECT_EQ(TimestepTable({.shift = 5, .weighting = Weighting::kNone}).weight(3), 1);
}

TEST(Flow, AStepsRandomnessDependsOnSeedStepAndMicroBatchAlone) {
  const StepRandom random(7, 3, 1);
  const at::Tensor noise = random.Normal(Draw::kNoise, {4, 5}, at::kCPU);
  EXPECT_TRUE(noise.equal(StepRandom(7, 3, 1).Normal(Draw::kNoise, {4, 5}, at::kCPU)));
  for (const StepRandom& other : {StepRandom(8, 3, 1), StepRandom(7, 4, 1), StepRandom(7, 3, 2)}) {
    EXPECT_FALSE(noise.equal(other.Normal(Draw::kNoise, {4, 5}, at::kCPU)));
    EXPECT_NE(random.Uniform(Draw::kTimestep, 0), other.Uniform(Draw::kTimestep, 0));
  }
  EXPECT_NE(random.Uniform(Draw::kTimestep, 0), random.Uniform(Draw::kTimestep, 1));
  EXPECT_NE(random.Uniform(Draw::kTimestep, 0), random.Uniform(Draw::kDropout, 0));
  double sum = 0;
  for (int64_t step = 0; step < 4000; ++step)
    sum += StepRandom(1, step, 0).Uniform(Draw::kDropout, 0);
  EXPECT_NEAR(sum / 4000, 0.5, 5 * 0.2887 / std::sqrt(4000));  // five standard deviations
}

TEST(Flow, NoisyLatentsAndTargetFollowTheDefinition) {
  const at::Tensor latents = at::randn({2, 3, 2, 4, 4});
  const TimestepTable table({.shift = 3, .weighting = Weighting::kNone});
  const StepRandom random(1, 2, 0);
  const NoisyBatch batch = AddNoise(latents, table, random);
  const at::Tensor noise = random.Normal(Draw::kNoise, latents.sizes(), at::kCPU);
  for (int64_t i = 0; i < 2; ++i) {
    const double s = batch.timesteps[i] / 1000;
    EXPECT_TRUE(at::allclose(batch.noisy[i], (1 - s) * latents[i] + s * noise[i], 1e-5, 1e-6));
    EXPECT_TRUE(at::allclose(batch.target[i], noise[i] - latents[i]));
  }
  EXPECT_EQ(FlowLoss(batch.target, batch).item<double>(), 0);
  EXPECT_NEAR(FlowLoss(batch.target + 2, batch).item<double>(), 4, 1e-5);
}

TEST(Flow, ADraftsPathLeadsFromItsNoisyStartToTheClip) {
  const at::Tensor clip = at::randn({2, 3, 2, 4, 4}), draft = at::randn_like(clip);
  const TimestepTable table({.shift = 3, .max = 700});
  const StepRandom random(1, 2, 0);
  const NoisyBatch batch = AddNoiseFromDrafts(clip, {draft, 0.7}, table, random);
  const at::Tensor noise = random.Normal(Draw::kNoise, clip.sizes(), at::kCPU);
  for (int64_t i = 0; i < 2; ++i) {
    const double s = batch.timesteps[i] / 1000;
    EXPECT_LE(s, 0.7);
    // The velocity leads to the clip at level 0, and back to the start at 0.7.
    EXPECT_TRUE(at::allclose(batch.noisy[i] - s * batch.target[i], clip[i], 1e-4, 1e-5));
    EXPECT_TRUE(at::allclose(batch.noisy[i] + (0.7 - s) * batch.target[i],
                             0.3 * draft[i] + 0.7 * noise[i], 1e-4, 1e-5));
  }
  const NoisyBatch plain = AddNoise(clip, table, random);
  const NoisyBatch own = AddNoiseFromDrafts(clip, {clip, 0.7}, table, random);
  EXPECT_TRUE(at::allclose(own.noisy, plain.noisy, 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(own.target, plain.target, 1e-5, 1e-5));
  EXPECT_EQ(own.timesteps, plain.timesteps);
}

TEST(Flow, PlacesWeighTheirErrors) {
  const at::Tensor latents = at::randn({2, 3, 2, 4, 4});
  const TimestepTable table({.shift = 3, .weighting = Weighting::kNone});
  NoisyBatch batch = AddNoise(latents, table, StepRandom(1, 2, 0));
  const at::Tensor weights = at::rand({2, 1, 2, 4, 4}) + 0.5;
  WeighPlaces(weights, &batch);
  for (int64_t i = 0; i < 2; ++i) {
    const double s = batch.timesteps[i] / 1000;
    EXPECT_TRUE(at::allclose(batch.places[i], (1 - s) * weights[i] + s, 1e-5, 1e-6));
  }
  const at::Tensor velocity = at::randn_like(latents);
  const at::Tensor errors = (velocity - batch.target).square() * batch.places;
  EXPECT_NEAR(FlowLoss(velocity, batch).item<double>(), errors.mean().item<double>(), 1e-6);
  batch.clean_frames = {1, 0};
  const double wanted = (errors[0].narrow(1, 1, 1).mean() + errors[1].mean()).item<double>() / 2;
  EXPECT_NEAR(FlowLoss(velocity, batch).item<double>(), wanted, 1e-6);
}

TEST(Flow, TimestepsStayWithinTheirLimits) {
  const TimestepTable table({.shift = 5, .min = 300, .max = 600});
  EXPECT_LE(table.timestep(table.first()), 600);
  EXPECT_GT(table.timestep(table.first() - 1), 600);
  const int64_t last = table.first() + table.count() - 1;
  EXPECT_GE(table.timestep(last), 300);
  EXPECT_LT(table.timestep(last + 1), 300);
  const at::Tensor latents = at::zeros({64, 1, 1, 1, 1});
  for (const double t : AddNoise(latents, table, StepRandom(1, 2, 0)).timesteps) {
    EXPECT_GE(t, 300);
    EXPECT_LE(t, 600);
  }
  EXPECT_THROW(TimestepTable({.shift = 5, .min = 999.95, .max = 999.99}), Error);
}

TEST(Flow, ImageToVideoGivesTheFirstFrameWithoutNoiseOrLoss) {
  const at::Tensor latents = at::randn({64, 3, 2, 4, 4});
  const TimestepTable table({.shift = 3, .weighting = Weighting::kNone});
  const StepRandom random(1, 2, 0);
  const NoisyBatch plain = AddNoise(latents, table, random);
  EXPECT_EQ(plain.clean_frames, std::vector<int64_t>(64, 0));
  const NoisyBatch batch = AddNoise(latents, table, random, 0.5);
  const auto conditioned = std::count(batch.clean_frames.begin(), batch.clean_frames.end(), 1);
  EXPECT_NEAR(static_cast<double>(conditioned), 32, 16);  // four standard deviations
  EXPECT_EQ(batch.timesteps, plain.timesteps);
  EXPECT_TRUE(batch.target.equal(plain.target));
  at::Tensor velocity = batch.target + 2;
  for (int64_t i = 0; i < 64; ++i) {
    const bool clean = batch.clean_frames[static_cast<size_t>(i)] == 1;
    EXPECT_TRUE(batch.noisy[i].select(1, 0).equal((clean ? latents : plain.noisy)[i].select(1, 0)));
    EXPECT_TRUE(batch.noisy[i].select(1, 1).equal(plain.noisy[i].select(1, 1)));
    if (clean) velocity[i].select(1, 0).fill_(1e6);  // is not predicted
  }
  EXPECT_NEAR(FlowLoss(velocity, batch).item<double>(), 4, 1e-5);
  EXPECT_EQ(AddNoise(latents.narrow(2, 0, 1), table, random, 1).clean_frames,
            std::vector<int64_t>(64, 0));
}

}  // namespace
}  // namespace t3
