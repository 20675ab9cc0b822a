// The schedules of T3 (Euler), of Wan (UniPC) and of distilled weights (lists).
#include "sampling/schedule.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace t3 {
namespace {

// The share of a schedule of N steps that a run of strength S takes.
struct Tail {
  int64_t taken;  // steps
  // Whether the run's levels are the last ones of the whole schedule. They are then taken from it:
  // S * i / n and i / N differ in the last bit of fp32.
  bool on_grid;
};

Tail TailOf(int64_t steps, double strength) {
  constexpr double kRounding = 1e-9;
  const double share = strength * static_cast<double>(steps);
  const int64_t taken = std::max<int64_t>(1, std::llround(share));
  return {taken, std::abs(share - static_cast<double>(taken)) < kRounding};
}

// Every operation in fp32: a bf16 run rounds the timestep to multiples of 4, so the last bit of
// fp32 can decide between 948 and 952.
Schedule EulerSchedule(const SamplingConfig& config) {
  const auto [taken, on_grid] = TailOf(config.steps, config.strength);
  at::Tensor sigmas =
      on_grid
          ? at::linspace(1, 0, config.steps + 1, at::kFloat).narrow(0, config.steps - taken, taken)
          : at::linspace(config.strength, 0, taken + 1, at::kFloat).narrow(0, 0, taken);
  sigmas = sigmas * config.shift / (sigmas * (config.shift - 1) + 1);
  const at::Tensor timesteps = sigmas * kMaxTimestep;
  Schedule schedule;
  for (int64_t i = 0; i < taken; ++i) {
    schedule.sigmas.push_back(sigmas[i].item<float>());
    schedule.timesteps.push_back(timesteps[i].item<float>());
  }
  return schedule;
}

// In double; timesteps are truncated to integers before the levels are rounded to fp32.
Schedule UniPcSchedule(const SamplingConfig& config) {
  const auto [taken, on_grid] = TailOf(config.steps, config.strength);
  const double top = 1 - 1 / kMaxTimestep;
  const double highest = on_grid ? top : top * config.strength;
  const int64_t steps = on_grid ? config.steps : taken;
  Schedule schedule;
  for (int64_t i = steps - taken; i < steps; ++i) {
    const double u = highest - static_cast<double>(i) * (highest / static_cast<double>(steps));
    const double sigma = ShiftedLevel(u, config.shift);
    schedule.sigmas.push_back(static_cast<float>(sigma));
    schedule.timesteps.push_back(std::trunc(kMaxTimestep * sigma));
  }
  return schedule;
}

// rCM's levels are angles a, at which latents are cos(a) * video + sin(a) * noise; the first is the
// one of noise 80 times as strong as the video. Divided by cos(a) + sin(a) they are ours.
std::vector<double> RcmSigmas(int64_t steps) {
  static const double kAngles[kRcmSteps] = {std::atan(80.0), 1.5, 1.4, 1.0};
  if (steps < 1 || steps > kRcmSteps) {
    FailUsage(
        "`sampler` rcm has levels for 1 to {} steps, not {}; give `steps` {}, or levels of your "
        "own with `sigmas`",
        kRcmSteps, steps, kRcmSteps);
  }
  std::vector<double> sigmas;
  for (int64_t i = 0; i < steps; ++i)
    sigmas.push_back(std::sin(kAngles[i]) / (std::sin(kAngles[i]) + std::cos(kAngles[i])));
  return sigmas;
}

void CheckList(const char* name, const std::vector<double>& levels, double highest) {
  const std::string fault = FaultOfLevels(levels, highest);
  if (!fault.empty()) FailUsage("`{}`: {}", name, fault);
}

Schedule FromTimesteps(const std::vector<double>& timesteps) {
  CheckList("timesteps", timesteps, kMaxTimestep);
  Schedule schedule;
  for (const double timestep : timesteps) {
    schedule.timesteps.push_back(static_cast<float>(timestep));
    schedule.sigmas.push_back(static_cast<float>(timestep / kMaxTimestep));
  }
  return schedule;
}

Schedule FromSigmas(const std::vector<double>& sigmas) {
  CheckList("sigmas", sigmas, 1);
  Schedule schedule;
  for (const double sigma : sigmas) {
    schedule.timesteps.push_back(static_cast<float>(kMaxTimestep * sigma));
    schedule.sigmas.push_back(static_cast<float>(sigma));
  }
  return schedule;
}

// Leaves the levels that a run of this strength reaches.
void CutList(const SamplingConfig& config, Schedule& schedule) {
  const double highest = ShiftedLevel(config.strength, config.shift) + 0.5 / kMaxTimestep;
  const auto reached =
      std::ranges::find_if(schedule.sigmas, [&](double s) { return s <= highest; });
  const auto above = std::min<int64_t>(reached - schedule.sigmas.begin(),
                                       static_cast<int64_t>(schedule.sigmas.size()) - 1);
  schedule.sigmas.erase(schedule.sigmas.begin(), schedule.sigmas.begin() + above);
  schedule.timesteps.erase(schedule.timesteps.begin(), schedule.timesteps.begin() + above);
}

Schedule ListSchedule(const SamplingConfig& config) {
  if (!config.timesteps.empty() && !config.sigmas.empty())
    FailUsage("`timesteps` and `sigmas` both give the noise levels; give one of the two");
  Schedule schedule = !config.timesteps.empty() ? FromTimesteps(config.timesteps)
                      : !config.sigmas.empty()  ? FromSigmas(config.sigmas)
                                                : FromSigmas(RcmSigmas(config.steps));
  CutList(config, schedule);
  return schedule;
}

Schedule ShiftedSchedule(const SamplingConfig& config) {
  Schedule schedule =
      config.sampler == Sampler::kUniPC ? UniPcSchedule(config) : EulerSchedule(config);
  if (!(schedule.sigmas.front() <= 1)) {
    FailUsage("shift {} gives noise levels that are not finite; take a shift nearer to 1",
              config.shift);
  }
  schedule.sigmas.push_back(0);
  for (size_t i = 0; i + 1 < schedule.sigmas.size(); ++i) {
    if (!(schedule.sigmas[i] > schedule.sigmas[i + 1])) {
      FailUsage(
          "{} steps with shift {} give steps {} and {} the same noise level; take fewer steps or "
          "a shift nearer to 1",
          config.steps, config.shift, i + 1, i + 2);
    }
  }
  return schedule;
}

}  // namespace

Schedule MakeSchedule(const SamplingConfig& config) {
  if (!(config.shift > 0) || !std::isfinite(config.shift))
    FailUsage("the schedule's shift must be a positive number, not {}", config.shift);
  if (!(config.strength > 0 && config.strength <= 1))
    FailUsage("a schedule's strength must be above 0 and at most 1, not {}", config.strength);
  if (config.has_list() || config.sampler == Sampler::kRcm) {
    Schedule schedule = ListSchedule(config);
    schedule.sigmas.push_back(0);
    return schedule;
  }
  if (config.steps < 1) FailUsage("sampling takes at least 1 step, not {}", config.steps);
  return ShiftedSchedule(config);
}

int64_t StepCount(const SamplingConfig& config) {
  return static_cast<int64_t>(MakeSchedule(config).timesteps.size());
}

}  // namespace t3
