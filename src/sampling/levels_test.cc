// Schedules that start below noise, or have their levels from a list.
#include <gtest/gtest.h>

#include <cmath>

#include "sampling/schedule.h"
#include "t3video/error.h"

namespace t3 {
namespace {

std::vector<double> LastOf(const std::vector<double>& values, size_t count) {
  return {values.end() - static_cast<std::ptrdiff_t>(count), values.end()};
}

double LevelOf(double u, double shift) { return shift * u / (1 + (shift - 1) * u); }

std::string ErrorOf(const SamplingConfig& config) {
  try {
    MakeSchedule(config);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "no error";
}

TEST(Strength, WholeStepsAreTheTailOfTheWholeSchedule) {
  for (const Sampler sampler : {Sampler::kEuler, Sampler::kUniPC, Sampler::kRenoise}) {
    for (const int64_t steps : {4, 10, 50}) {
      SamplingConfig config{.sampler = sampler, .steps = steps, .shift = 5};
      const Schedule whole = MakeSchedule(config);
      for (int64_t taken = 1; taken <= steps; ++taken) {
        config.strength = static_cast<double>(taken) / static_cast<double>(steps);
        const Schedule tail = MakeSchedule(config);
        const auto count = static_cast<size_t>(taken);
        EXPECT_EQ(tail.sigmas, LastOf(whole.sigmas, count + 1)) << config.strength;
        EXPECT_EQ(tail.timesteps, LastOf(whole.timesteps, count)) << config.strength;
        EXPECT_EQ(StepCount(config), taken);
      }
    }
  }
}

TEST(Strength, OthersStartAtTheirLevelAndAreUniformBeforeTheShift) {
  const SamplingConfig config{
      .sampler = Sampler::kEuler, .steps = 10, .shift = 5, .strength = 0.33};
  const Schedule schedule = MakeSchedule(config);
  ASSERT_EQ(schedule.timesteps.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const double sigma = LevelOf(0.33 * (1 - static_cast<double>(i) / 3), 5);
    EXPECT_NEAR(schedule.sigmas[i], sigma, 2e-7);
    EXPECT_NEAR(schedule.timesteps[i], 1000 * sigma, 2e-4);
  }
  EXPECT_EQ(schedule.sigmas[3], 0);
}

TEST(Strength, UniPcStartsAtTheShareOfItsOwnHighestLevel) {
  const SamplingConfig config{
      .sampler = Sampler::kUniPC, .steps = 10, .shift = 3, .strength = 0.33};
  const Schedule schedule = MakeSchedule(config);
  ASSERT_EQ(schedule.timesteps.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const double sigma = LevelOf(0.999 * 0.33 * (1 - static_cast<double>(i) / 3), 3);
    EXPECT_NEAR(schedule.sigmas[i], sigma, 1e-7);
    EXPECT_EQ(schedule.timesteps[i], std::floor(1000 * sigma));
  }
}

TEST(Strength, TakesAtLeastOneStep) {
  for (const Sampler sampler : {Sampler::kEuler, Sampler::kUniPC}) {
    EXPECT_EQ(StepCount({.sampler = sampler, .steps = 10, .strength = 0.01}), 1);
    EXPECT_EQ(StepCount({.sampler = sampler, .steps = 1, .strength = 0.5}), 1);
  }
}

TEST(Strength, OutsideItsRangeIsAnError) {
  for (const double strength : {0.0, -0.1, 1.01, std::nan("")})
    EXPECT_NE(ErrorOf({.strength = strength}).find("strength"), std::string::npos) << strength;
}

TEST(Lists, AreTheLevelsOfTheRun) {
  for (const Sampler sampler :
       {Sampler::kEuler, Sampler::kUniPC, Sampler::kRenoise, Sampler::kRcm}) {
    const Schedule timesteps = MakeSchedule({.sampler = sampler, .timesteps = {1000, 757, 522}});
    EXPECT_EQ(timesteps.timesteps, (std::vector<double>{1000, 757, 522}));
    EXPECT_EQ(timesteps.sigmas, (std::vector<double>{1, 0.757F, 0.522F, 0}));
    const Schedule sigmas = MakeSchedule({.sampler = sampler, .sigmas = {1, 0.9375, 0.1}});
    EXPECT_EQ(sigmas.timesteps, (std::vector<double>{1000, 937.5, 100}));
    EXPECT_EQ(sigmas.sigmas, (std::vector<double>{1, 0.9375, 0.1F, 0}));
  }
}

TEST(Lists, AreCutToTheStrength) {
  const auto timesteps = [](double strength) {
    return MakeSchedule({.sampler = Sampler::kRenoise,
                         .shift = 5,
                         .strength = strength,
                         .timesteps = {1000, 937.5, 833.3, 625}})
        .timesteps;
  };
  EXPECT_EQ(timesteps(1).size(), 4u);
  EXPECT_EQ(timesteps(0.75).size(), 3u);  // from 0.9375
  EXPECT_EQ(timesteps(0.74).size(), 2u);
  EXPECT_EQ(timesteps(0.5).size(), 2u);  // from 0.83333, which the list rounds
  EXPECT_EQ(timesteps(0.25), (std::vector<double>{625}));
  EXPECT_EQ(timesteps(0.01), (std::vector<double>{625}));
}

TEST(Lists, MustFallWithinTheirRange) {
  EXPECT_EQ(ErrorOf({.timesteps = {1000, 522, 757}}),
            "`timesteps`: levels must fall from step to step, but 757 follows 522");
  EXPECT_EQ(ErrorOf({.timesteps = {500, 500}}),
            "`timesteps`: levels must fall from step to step, but 500 follows 500");
  EXPECT_EQ(ErrorOf({.timesteps = {1001}}), "`timesteps`: 1001 is not above 0 and at most 1000");
  EXPECT_EQ(ErrorOf({.timesteps = {10, 0}}), "`timesteps`: 0 is not above 0 and at most 1000");
  EXPECT_EQ(ErrorOf({.sigmas = {1000, 757}}), "`sigmas`: 1000 is not above 0 and at most 1");
  EXPECT_EQ(ErrorOf({.sigmas = {std::nan("")}}), "`sigmas`: nan is not above 0 and at most 1");
  EXPECT_NE(ErrorOf({.sigmas = {0.5, 0.5 - 1e-12}}).find("must fall"), std::string::npos);
  EXPECT_NE(ErrorOf({.timesteps = {1000}, .sigmas = {1}}).find("one of the two"),
            std::string::npos);
}

// sin(a) / (sin(a) + cos(a)) of rCM's angles atan(80), 1.5, 1.4 and 1.
TEST(Lists, RcmHasItsOwn) {
  const std::vector<double> wanted{0.98765432, 0.93378106, 0.85289539, 0.60897905};
  for (int64_t steps = 1; steps <= 4; ++steps) {
    const Schedule schedule = MakeSchedule({.sampler = Sampler::kRcm, .steps = steps});
    ASSERT_EQ(schedule.timesteps.size(), static_cast<size_t>(steps));
    for (size_t i = 0; i < schedule.timesteps.size(); ++i) {
      EXPECT_NEAR(schedule.sigmas[i], wanted[i], 1e-6);
      EXPECT_NEAR(schedule.timesteps[i], 1000 * wanted[i], 1e-3);
    }
  }
}

}  // namespace
}  // namespace t3
