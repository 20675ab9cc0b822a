// Schedules, noise, guidance and the Euler solver.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

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
    const Schedule schedule = MakeSchedule(Sampler::kEuler, 50, shift);
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
  const Schedule schedule = MakeSchedule(Sampler::kUniPC, 40, 3);
  ASSERT_EQ(schedule.sigmas.size(), 41u);
  for (size_t i = 0; i < 40; ++i) {
    const double sigma = Shifted(0.999 * (1 - static_cast<double>(i) / 40), 3);
    EXPECT_NEAR(schedule.sigmas[i], sigma, 1e-7);
    EXPECT_EQ(schedule.timesteps[i], std::floor(1000 * sigma));
  }
  EXPECT_EQ(schedule.sigmas[40], 0);
}

TEST(Schedule, ReferenceTimesteps) {
  const Schedule schedule = MakeSchedule(Sampler::kUniPC, 8, 5);
  for (const char* model : {"mini2.1", "mini2.2"}) {
    const auto file = WeightFile::Open(kReference + model + std::string(".expected.safetensors"));
    const at::Tensor wanted = ReadStored(*file, "unipc.timesteps").to(at::kDouble);
    EXPECT_TRUE(at::equal(at::tensor(schedule.timesteps, at::kDouble), wanted)) << model;
  }
}

TEST(Schedule, ImpossibleOnesAreUsageErrors) {
  for (const Sampler sampler : {Sampler::kEuler, Sampler::kUniPC}) {
    EXPECT_EQ(MakeSchedule(sampler, 1, 5).timesteps.size(), 1u);
    EXPECT_THROW(MakeSchedule(sampler, 0, 5), Error);
    EXPECT_THROW(MakeSchedule(sampler, 10, 0), Error);
    EXPECT_THROW(MakeSchedule(sampler, 10, -1), Error);
    EXPECT_THROW(MakeSchedule(sampler, 10, std::nan("")), Error);
    EXPECT_THROW(MakeSchedule(sampler, 10, 1e300), Error);
    EXPECT_THROW(MakeSchedule(sampler, 1000, 1e7), Error);
    EXPECT_THROW(MakeSchedule(Sampler::kEuler, 2, 1e-10), Error);  // sigma is inf in fp32
  }
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
      const double start = MakeSchedule(sampler, steps, 4).sigmas[0];
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
