// Fields of sampling settings.
#include "loading/sampling_json.h"

#include <algorithm>

#include "base/json.h"

namespace t3 {
namespace {

// Takes the list `key`; false where it is absent.
bool TakeLevels(JsonFields& fields, const char* key, double highest, std::vector<double>& levels) {
  if (fields.Find(key) == nullptr) return false;
  levels.clear();
  fields.TakeNumbers(key, 0, highest, &levels);
  T3_CHECK(!levels.empty(), "{}: \"{}\" is an empty list", fields.where(), key);
  const std::string fault = FaultOfLevels(levels, highest);
  T3_CHECK(fault.empty(), "{}: \"{}\": {}", fields.where(), key, fault);
  return true;
}

}  // namespace

void TakeSampling(JsonFields& fields, SamplingConfig& sampling) {
  std::string sampler(SamplerName(sampling.sampler));
  fields.Take("sampler", &sampler);
  sampling.sampler = ParseSampler(sampler);
  fields.TakeNumber("guidance", 0, kMaxGuidanceScale, &sampling.guidance);
  fields.TakeNumber("shift", kMinShift, kMaxShift, &sampling.shift);
  std::vector<double> timesteps, sigmas;
  const bool has_timesteps = TakeLevels(fields, "timesteps", kMaxTimestep, timesteps);
  const bool has_sigmas = TakeLevels(fields, "sigmas", 1, sigmas);
  T3_CHECK(!(has_timesteps && has_sigmas),
           "{}: \"timesteps\" and \"sigmas\" both give the noise levels; give one of the two",
           fields.where());
  const bool has_steps = fields.Find("steps") != nullptr;
  if (has_steps || has_timesteps || has_sigmas) {
    sampling.timesteps = timesteps;
    sampling.sigmas = sigmas;
  }
  if (sampling.sampler == Sampler::kRcm && !has_steps) sampling.steps = kRcmSteps;
  if (sampling.has_list()) sampling.steps = sampling.list_length();
  const int64_t length = sampling.steps;
  fields.TakeInteger("steps", 1, kMaxSamplingSteps, &sampling.steps);
  T3_CHECK(!sampling.has_list() || sampling.steps == length,
           "{}: \"steps\" is {}, but the list of noise levels has {}; leave \"steps\" out",
           fields.where(), sampling.steps, length);
}

bool StatesSampling(const nlohmann::json& object) {
  constexpr const char* kKeys[] = {"sampler", "steps", "shift", "timesteps", "sigmas"};
  return object.is_object() &&
         std::ranges::any_of(kKeys, [&](const char* key) { return object.contains(key); });
}

nlohmann::ordered_json SamplingJson(const SamplingConfig& sampling) {
  nlohmann::ordered_json object{{"sampler", SamplerName(sampling.sampler)},
                                {"steps", sampling.steps},
                                {"guidance", sampling.guidance},
                                {"shift", sampling.shift}};
  if (!sampling.timesteps.empty()) object["timesteps"] = sampling.timesteps;
  if (!sampling.sigmas.empty()) object["sigmas"] = sampling.sigmas;
  return object;
}

SamplingConfig ParseSampling(const std::string& text, const std::string& where,
                             const SamplingConfig& defaults) {
  return ReadSampling(ParseJson(text, where), where, defaults);
}

SamplingConfig ReadSampling(const nlohmann::json& value, const std::string& where,
                            const SamplingConfig& defaults) {
  SamplingConfig sampling = defaults;
  JsonFields fields(value, where);
  TakeSampling(fields, sampling);
  fields.CheckAllTaken();
  return sampling;
}

}  // namespace t3
