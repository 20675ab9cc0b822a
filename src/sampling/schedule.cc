// The schedules of T3 (Euler) and of Wan (UniPC).
#include "sampling/schedule.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/check.h"

namespace t3 {
namespace {

constexpr double kTrainTimesteps = 1000;

// Every operation in fp32: a bf16 run rounds the timestep to multiples of 4, so the last bit of
// fp32 can decide between 948 and 952.
Schedule EulerSchedule(int64_t steps, double shift) {
  at::Tensor sigmas = at::linspace(1, 0, steps + 1, at::kFloat).narrow(0, 0, steps);
  sigmas = sigmas * shift / (sigmas * (shift - 1) + 1);
  const at::Tensor timesteps = sigmas * kTrainTimesteps;
  Schedule schedule;
  for (int64_t i = 0; i < steps; ++i) {
    schedule.sigmas.push_back(sigmas[i].item<float>());
    schedule.timesteps.push_back(timesteps[i].item<float>());
  }
  return schedule;
}

// In double; timesteps are truncated to integers before the levels are rounded to fp32.
Schedule UniPcSchedule(int64_t steps, double shift) {
  const double highest = 1 - 1 / kTrainTimesteps;
  Schedule schedule;
  for (int64_t i = 0; i < steps; ++i) {
    const double u = highest - static_cast<double>(i) * (highest / static_cast<double>(steps));
    const double sigma = shift * u / (1 + (shift - 1) * u);
    schedule.sigmas.push_back(static_cast<float>(sigma));
    schedule.timesteps.push_back(std::trunc(kTrainTimesteps * sigma));
  }
  return schedule;
}

}  // namespace

Schedule MakeSchedule(Sampler sampler, int64_t steps, double shift) {
  if (steps < 1) FailUsage("sampling takes at least 1 step, not {}", steps);
  if (!(shift > 0) || !std::isfinite(shift)) {
    FailUsage("the schedule's shift must be a positive number, not {}", shift);
  }
  Schedule schedule =
      sampler == Sampler::kEuler ? EulerSchedule(steps, shift) : UniPcSchedule(steps, shift);
  if (!(schedule.sigmas.front() <= 1)) {
    FailUsage("shift {} gives noise levels that are not finite; take a shift nearer to 1", shift);
  }
  schedule.sigmas.push_back(0);
  for (size_t i = 0; i + 1 < schedule.sigmas.size(); ++i) {
    if (!(schedule.sigmas[i] > schedule.sigmas[i + 1])) {
      FailUsage(
          "{} steps with shift {} give steps {} and {} the same noise level; take fewer steps or "
          "a shift nearer to 1",
          steps, shift, i + 1, i + 2);
    }
  }
  return schedule;
}

}  // namespace t3
