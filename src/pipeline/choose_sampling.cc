// Steps, levels and guidance of a run.
#include "pipeline/choose_sampling.h"

#include "base/check.h"
#include "sampling/schedule.h"

namespace t3 {
namespace {

constexpr int64_t kMaxExcludedSteps = 1000;
// Weights that are not distilled give noise in fewer.
constexpr int64_t kFewSteps = 10;

template <typename T>
void CheckRange(const char* option, T value, T min, T max) {
  if (!(value >= min && value <= max))  // NaN is not either
    FailUsage("`{}` {} is outside {} to {}", option, value, min, max);
}

void ChooseLevels(const SamplingConfig& defaults, const GenerationParams& params,
                  SamplingConfig& sampling) {
  if (!params.timesteps.empty() || !params.sigmas.empty()) {
    sampling.timesteps = params.timesteps;
    sampling.sigmas = params.sigmas;
  } else if (params.shift || params.steps.value_or(defaults.steps) != defaults.steps) {
    sampling.timesteps.clear();
    sampling.sigmas.clear();
  }
  sampling.steps = params.steps.value_or(sampling.steps);
  if (sampling.has_list()) {
    const int64_t length = sampling.list_length();
    if (params.steps && *params.steps != length) {
      FailUsage("`steps` {} contradicts `{}`, which has {} levels; leave `steps` out",
                *params.steps, sampling.timesteps.empty() ? "sigmas" : "timesteps", length);
    }
    sampling.steps = length;
  } else if (sampling.sampler == Sampler::kRcm && defaults.sampler != Sampler::kRcm) {
    sampling.steps = params.steps.value_or(kRcmSteps);
  }
}

}  // namespace

void CheckNumbers(const GenerationParams& params) {
  if (params.steps) CheckRange<int64_t>("steps", *params.steps, 1, kMaxSamplingSteps);
  if (params.draft_steps)
    CheckRange<int64_t>("draft-steps", *params.draft_steps, 1, kMaxSamplingSteps);
  if (params.shift) CheckRange("shift", *params.shift, kMinShift, kMaxShift);
  if (params.guidance) CheckRange("guidance", *params.guidance, 0.0, kMaxGuidanceScale);
  if (params.strength) CheckRange("strength", *params.strength, 0.0, 1.0);
  if (params.fp8_exclude_steps)
    CheckRange<int64_t>("fp8-exclude-steps", *params.fp8_exclude_steps, 0, kMaxExcludedSteps);
}

SamplingConfig ChooseSampling(const SamplingConfig& defaults, const GenerationParams& params) {
  SamplingConfig sampling = defaults;
  sampling.sampler = params.sampler.value_or(sampling.sampler);
  sampling.guidance = params.guidance.value_or(sampling.guidance);
  sampling.shift = params.shift.value_or(sampling.shift);
  ChooseLevels(defaults, params, sampling);
  CheckRange<int64_t>("steps", sampling.steps, 1, kMaxSamplingSteps);
  CheckRange("shift", sampling.shift, kMinShift, kMaxShift);
  CheckRange("guidance", sampling.guidance, 0.0, kMaxGuidanceScale);
  MakeSchedule(sampling);
  return sampling;
}

bool AreEqualFromNoise(SamplingConfig a, SamplingConfig b) {
  for (SamplingConfig* sampling : {&a, &b}) {
    sampling->strength = 1;
    if (!sampling->uses_shift()) sampling->shift = 1;
  }
  return a == b;
}

std::vector<std::string> SamplingNotes(const ModelInfo& model, const GenerationParams& params,
                                       const SamplingConfig& sampling) {
  std::vector<std::string> notes;
  const auto note = [&](std::string text) { notes.push_back(std::move(text)); };
  const SamplingConfig& defaults = model.defaults.sampling;
  const std::optional<Distillation>& distilled = model.distilled;
  if (distilled) {
    note(fmt::format("{}: {}, guidance {} (from {})", distilled->name, DescribeSteps(defaults),
                     defaults.guidance, distilled->source));
    if (sampling.steps != defaults.steps || sampling.guidance != defaults.guidance) {
      note(
          fmt::format("these weights were not distilled for {} step{} with guidance {}; without "
                      "`steps` and `guidance` they are sampled as above",
                      sampling.steps, sampling.steps == 1 ? "" : "s", sampling.guidance));
    }
  } else if (sampling.steps < kFewSteps && defaults.steps >= kFewSteps) {
    note(
        fmt::format("few steps ({}) give noise unless the weights are distilled for them; the "
                    "model's own number is {}",
                    sampling.steps, defaults.steps));
  }
  const bool from_noise = sampling.has_list() && sampling.strength == 1;
  if (const double start = from_noise ? MakeSchedule(sampling).sigmas.front() : 1; start < 1) {
    note(fmt::format(
        "the first level is {:.3g}: such a list refines a clip, and from noise it gives "
        "a poor one; give `video` or `draft`",
        start));
  }
  if (params.shift && !sampling.uses_shift())
    note("`shift` has no effect on a list of noise levels, which are those after the shift");
  return notes;
}

}  // namespace t3
