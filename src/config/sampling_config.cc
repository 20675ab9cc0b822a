// Names of the samplers, and settings as text.
#include "config/sampling_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace t3 {
namespace {

constexpr std::array<std::pair<Sampler, std::string_view>, 4> kSamplerNames{
    {{Sampler::kEuler, "euler"},
     {Sampler::kUniPC, "unipc"},
     {Sampler::kRenoise, "renoise"},
     {Sampler::kRcm, "rcm"}}};

}  // namespace

std::string_view SamplerName(Sampler sampler) {
  for (const auto& [each, name] : kSamplerNames) {
    if (each == sampler) return name;
  }
  Fail("sampler {} has no name", static_cast<int>(sampler));
}

Sampler ParseSampler(std::string_view text) {
  for (const auto& [sampler, name] : kSamplerNames) {
    if (text == name) return sampler;
  }
  FailUsage("'{}' is not a sampler; use euler, unipc, renoise or rcm", text);
}

std::string FaultOfLevels(const std::vector<double>& levels, double highest) {
  for (size_t i = 0; i < levels.size(); ++i) {
    if (!(levels[i] > 0 && levels[i] <= highest))
      return fmt::format("{} is not above 0 and at most {}", levels[i], highest);
    if (i > 0 && !(static_cast<float>(levels[i]) < static_cast<float>(levels[i - 1]))) {
      return fmt::format("levels must fall from step to step, but {} follows {}", levels[i],
                         levels[i - 1]);
    }
  }
  return "";
}

double ShiftedLevel(double u, double shift) { return shift * u / (1 + (shift - 1) * u); }

double UnshiftedLevel(double level, double shift) { return level / (shift - (shift - 1) * level); }

double StrengthOfList(const SamplingConfig& config) {
  if (!config.has_list()) return 1;
  const double highest =
      config.sigmas.empty() ? config.timesteps.front() / kMaxTimestep : config.sigmas.front();
  const double strength = UnshiftedLevel(highest, config.shift);
  constexpr double kParts = 1000, kRounding = 1e-6;
  return std::max(1.0, std::ceil(strength * kParts - kRounding)) / kParts;
}

std::string DescribeSteps(const SamplingConfig& config) {
  const std::string_view sampler = SamplerName(config.sampler);
  if (!config.timesteps.empty())
    return fmt::format("{}, timesteps {}", sampler, fmt::join(config.timesteps, ","));
  if (!config.sigmas.empty())
    return fmt::format("{}, sigmas {}", sampler, fmt::join(config.sigmas, ","));
  return fmt::format("{}, {} step{}{}", sampler, config.steps, config.steps == 1 ? "" : "s",
                     config.uses_shift() ? fmt::format(", shift {}", config.shift) : "");
}

bool AddsNoise(Sampler sampler) { return sampler == Sampler::kRenoise || sampler == Sampler::kRcm; }

}  // namespace t3
