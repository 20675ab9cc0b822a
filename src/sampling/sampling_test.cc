// Schedules, noise, guidance and the Euler solver.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "sampling/guidance.h"
#include "sampling/noise.h"
#include "sampling/schedule.h"
#include "sampling/solver.h"
#include "t3video/error.h"
#include "tests/stored_tensor.h"

namespace t3 {
namespace {

const std::string kReference = T3_SOURCE_DIR "/tests/data/reference/";

double Shifted(double u, double shift) { return shift * u / (1 + (shift - 1) * u); }

TEST(Schedule, EulerFollowsTheFormula) {
  for (const double shift : {1.0, 5.0, 8.5}) {
    const Schedule schedule =
        MakeSchedule({.sampler = Sampler::kEuler, .steps = 50, .shift = shift});
    ASSERT_EQ(schedule.sigmas.size(), 51u);
    ASSERT_EQ(schedule.timesteps.size(), 50u);
    for (size_t i = 0; i < 50; ++i) {
      const double sigma = Shifted(1 - static_cast<double>(i) / 50, shift);
      EXPECT_NEAR(schedule.sigmas[i], sigma, 3e-7);
      EXPECT_NEAR(schedule.timesteps[i], 1000 * sigma, 3e-4);
    }
    EXPECT_EQ(schedule.sigmas[50], 0);
  }
}

TEST(Schedule, UniPcFollowsTheFormula) {
  const Schedule schedule = MakeSchedule({.sampler = Sampler::kUniPC, .steps = 40, .shift = 3});
  ASSERT_EQ(schedule.sigmas.size(), 41u);
  for (size_t i = 0; i < 40; ++i) {
    const double sigma = Shifted(0.999 * (1 - static_cast<double>(i) / 40), 3);
    EXPECT_NEAR(schedule.sigmas[i], sigma, 1e-7);
    EXPECT_EQ(schedule.timesteps[i], std::floor(1000 * sigma));
  }
  EXPECT_EQ(schedule.sigmas[40], 0);
}

TEST(Schedule, ReferenceTimesteps) {
  const Schedule schedule = MakeSchedule({.sampler = Sampler::kUniPC, .steps = 8});
  for (const char* model : {"mini2.1", "mini2.2"}) {
    const auto file = WeightFile::Open(kReference + model + std::string(".expected.safetensors"));
    const at::Tensor wanted = ReadStored(*file, "unipc.timesteps").to(at::kDouble);
    EXPECT_TRUE(at::equal(at::tensor(schedule.timesteps, at::kDouble), wanted)) << model;
  }
}

TEST(Schedule, ImpossibleOnesAreUsageErrors) {
  const auto schedule = [](Sampler sampler, int64_t steps, double shift) {
    return MakeSchedule({.sampler = sampler, .steps = steps, .shift = shift});
  };
  for (const Sampler sampler : {Sampler::kEuler, Sampler::kUniPC, Sampler::kRenoise}) {
    EXPECT_EQ(schedule(sampler, 1, 5).timesteps.size(), 1u);
    EXPECT_THROW(schedule(sampler, 0, 5), Error);
    EXPECT_THROW(schedule(sampler, 10, 0), Error);
    EXPECT_THROW(schedule(sampler, 10, -1), Error);
    EXPECT_THROW(schedule(sampler, 10, std::nan("")), Error);
    EXPECT_THROW(schedule(sampler, 10, 1e300), Error);
    EXPECT_THROW(schedule(sampler, 1000, 1e7), Error);
  }
  EXPECT_THROW(schedule(Sampler::kEuler, 2, 1e-10), Error);  // sigma is inf in fp32
  EXPECT_THROW(schedule(Sampler::kRcm, 0, 5), Error);
  EXPECT_THROW(schedule(Sampler::kRcm, 5, 5), Error);
}

TEST(Noise, EqualsTorchsCpuGenerator) {
  for (const char* model : {"mini2.1", "mini2.2"}) {
    const auto file = WeightFile::Open(kReference + model + std::string(".expected.safetensors"));
    at::Tensor wanted = ReadStored(*file, "noise.seed7");
    if (wanted.dim() == 4) wanted = wanted.unsqueeze(0);
    EXPECT_TRUE(at::equal(TorchNoise(7, wanted.sizes()), wanted)) << model;
    EXPECT_FALSE(at::equal(TorchNoise(8, wanted.sizes()), wanted)) << model;
  }
}

TEST(Noise, StepsHaveSeedsOfTheirOwn) {
  std::set<uint64_t> seeds{0, 1, 2};
  for (const uint64_t seed : {0, 1, 2}) {
    for (int64_t step = 0; step < 50; ++step) seeds.insert(StepSeed(seed, step));
  }
  EXPECT_EQ(seeds.size(), 153u);
  // Published results depend on these values.
  EXPECT_EQ(StepSeed(7, 0), 13309476754707697221u);
}

TEST(Guidance, GoesBeyondTheConditional) {
  const at::Tensor conditional = at::tensor({1.0, 2.0});
  const at::Tensor unconditional = at::tensor({0.5, 3.0});
  EXPECT_TRUE(at::equal(Guide(conditional, unconditional, 5), at::tensor({3.0, -2.0})));
  EXPECT_TRUE(at::equal(Guide(conditional, unconditional, 1), conditional));
}

// Where the path is straight, every solver arrives at the video exactly.
TEST(Solver, StraightPathsEndAtTheVideo) {
  const at::Tensor video = TorchNoise(1, {3, 2, 4, 4});
  const at::Tensor noise = TorchNoise(2, {3, 2, 4, 4});
  for (const Sampler sampler : {Sampler::kEuler, Sampler::kUniPC}) {
    for (const int64_t steps : {1, 2, 3, 7}) {
      Solver solver({.sampler = sampler, .steps = steps, .guidance = 1, .shift = 4});
      const double start = solver.sigma(0);
      at::Tensor x = video * (1 - start) + noise * start;
      for (int64_t i = 0; i < solver.steps(); ++i) x = solver.Step(i, x, noise - video);
      EXPECT_TRUE(at::allclose(x, video, 1e-4, 1e-4)) << SamplerName(sampler) << " " << steps;
    }
  }
}

TEST(Solver, KeepsTheDtypeOfTheLatents) {
  for (const Sampler sampler : {Sampler::kEuler, Sampler::kUniPC}) {
    Solver solver({.sampler = sampler, .steps = 2});
    const at::Tensor x = TorchNoise(1, {1, 2, 4, 4}).to(at::kBFloat16);
    EXPECT_EQ(solver.Step(0, x, x).scalar_type(), at::kBFloat16);
  }
}

// From the formulas of renoise: the clean video, then the next level with new noise.
TEST(Solver, RenoiseAddsTheStepsNoise) {
  const at::Tensor start = TorchNoise(1, {3, 2, 4, 4});
  const at::Tensor velocity = TorchNoise(2, {3, 2, 4, 4});
  const at::Tensor noise = TorchNoise(3, {3, 2, 4, 4});
  for (const Sampler sampler : {Sampler::kRenoise, Sampler::kRcm}) {
    std::vector<int64_t> asked;
    Solver solver({.sampler = sampler, .timesteps = {800, 250}}, [&](int64_t step) {
      asked.push_back(step);
      return noise;
    });
    const at::Tensor first = solver.Step(0, start, velocity);
    EXPECT_TRUE(at::allclose(first, (start - velocity * 0.8) * 0.75 + noise * 0.25, 1e-6, 1e-6));
    const at::Tensor last = solver.Step(1, first, velocity);
    EXPECT_TRUE(at::allclose(last, first - velocity * 0.25, 1e-6, 1e-6));
    EXPECT_EQ(asked, std::vector<int64_t>{0});
  }
}

TEST(Solver, SamplersThatAddNoiseNeedASource) {
  EXPECT_THROW(Solver({.sampler = Sampler::kRenoise}), Error);
  EXPECT_THROW(Solver({.sampler = Sampler::kRcm, .steps = 4}), Error);
  const at::Tensor x = TorchNoise(1, {1, 2, 4, 4});
  Solver solver({.sampler = Sampler::kRenoise, .steps = 2}, [&](int64_t) { return x[0]; });
  EXPECT_THROW(solver.Step(0, x, x), Error);
}

TEST(Solver, StartsAtItsLevel) {
  const at::Tensor noise = TorchNoise(1, {3, 2, 4, 4});
  const at::Tensor clean = TorchNoise(2, {3, 2, 4, 4});
  const auto source = [&](int64_t) { return noise; };
  for (const Sampler sampler : {Sampler::kEuler, Sampler::kUniPC, Sampler::kRenoise}) {
    EXPECT_TRUE(at::equal(Solver({.sampler = sampler}, source).Start(noise), noise));
    const Solver part({.sampler = sampler, .strength = 0.5}, source);
    const double level = part.sigma(0);
    EXPECT_TRUE(at::allclose(part.Start(noise, clean), clean * (1 - level) + noise * level));
    EXPECT_TRUE(at::allclose(Solver({.sampler = sampler, .sigmas = {0.9}}, source).Start(noise),
                             noise * 0.9));
  }
  const Solver rcm({.sampler = Sampler::kRcm, .steps = 4}, source);
  EXPECT_TRUE(at::allclose(rcm.Start(noise), noise * 80 / 81));
}

// UniPC's first step below noise has order 1: it equals Euler's.
TEST(Solver, UniPcStartsAgainBelowNoise) {
  const at::Tensor x = TorchNoise(1, {3, 2, 4, 4});
  const at::Tensor velocity = TorchNoise(2, {3, 2, 4, 4});
  Solver unipc({.sampler = Sampler::kUniPC, .steps = 10, .strength = 0.5});
  Solver euler({.sampler = Sampler::kEuler, .sigmas = {unipc.sigma(0), unipc.sigma(1)}});
  EXPECT_TRUE(at::allclose(unipc.Step(0, x, velocity), euler.Step(0, x, velocity), 1e-5, 1e-5));
}

// Level 1 has an infinite signal-to-noise ratio, which UniPC's own schedule avoids.
TEST(Solver, UniPcTakesListsFromPureNoise) {
  const at::Tensor video = TorchNoise(1, {3, 2, 4, 4});
  const at::Tensor noise = TorchNoise(2, {3, 2, 4, 4});
  Solver solver({.sampler = Sampler::kUniPC, .timesteps = {1000, 937.5, 833.3, 625}});
  at::Tensor x = solver.Start(noise);
  for (int64_t i = 0; i < solver.steps(); ++i) x = solver.Step(i, x, noise - video);
  EXPECT_TRUE(at::allclose(x, video, 1e-4, 1e-4));
}

TEST(Solver, StepsComeInOrder) {
  const at::Tensor x = TorchNoise(1, {1, 2, 4, 4});
  Solver solver({.sampler = Sampler::kEuler, .steps = 2});
  EXPECT_THROW(solver.Step(1, x, x), Error);
  EXPECT_THROW(solver.Step(0, x, x.narrow(1, 0, 1)), Error);
  solver.Step(0, x, x);
  EXPECT_THROW(solver.Step(0, x, x), Error);
  solver.Step(1, x, x);
  EXPECT_THROW(solver.Step(2, x, x), Error);
  EXPECT_THROW(solver.timestep(2), Error);
}

}  // namespace
}  // namespace t3
