// Settings of a sampling run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "t3video/generation_params.h"

namespace t3 {

// The timestep of noise level 1.
inline constexpr double kMaxTimestep = 1000;

// Ranges of the settings, wherever they come from.
inline constexpr int64_t kMaxSamplingSteps = 1000;
inline constexpr double kMaxGuidanceScale = 1000;
// The schedule maps sigma to shift * sigma / (1 + (shift - 1) * sigma): outside this range all
// steps fall on one end of it in fp32.
inline constexpr double kMinShift = 1e-3, kMaxShift = 1e3;

// The steps for which Sampler::kRcm has levels, and those that it takes by default.
inline constexpr int64_t kRcmSteps = 4;

struct SamplingConfig {
  Sampler sampler = Sampler::kUniPC;
  int64_t steps = 50;   // of the whole schedule; with a list its length
  double guidance = 5;  // 1: the unconditional branch is skipped
  double shift = 5;
  // In (0, 1]: a run starts at the noise level of this share of the schedule, and takes that share
  // of its steps.
  double strength = 1;
  // Levels that fall, in place of those that `steps` and `shift` give; one of the two at most.
  std::vector<double> timesteps = {};  // in (0, 1000]
  std::vector<double> sigmas = {};     // in (0, 1]

  bool has_list() const { return !timesteps.empty() || !sigmas.empty(); }
  int64_t list_length() const { return static_cast<int64_t>(timesteps.size() + sigmas.size()); }
  // A shift beside a list says where a strength below 1 enters it.
  bool uses_shift() const { return strength < 1 || !(has_list() || sampler == Sampler::kRcm); }
  bool operator==(const SamplingConfig&) const = default;
};

// Why `levels` are not a list that falls within (0, highest] in fp32; "" where they are.
std::string FaultOfLevels(const std::vector<double>& levels, double highest);

// The noise level at the share u of a schedule, both 0 to 1, and its inverse.
double ShiftedLevel(double u, double shift);
double UnshiftedLevel(double level, double shift);

// The smallest strength, in thousandths, at which a run takes all levels of the list; 1 without a
// list.
double StrengthOfList(const SamplingConfig& config);

// "euler, 4 steps, shift 5", or "renoise, timesteps 1000,757,522".
std::string DescribeSteps(const SamplingConfig& config);

}  // namespace t3
