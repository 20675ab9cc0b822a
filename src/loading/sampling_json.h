// Sampling settings as JSON: in a model's t3.json and in a file's metadata.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/json_fields.h"
#include "config/sampling_config.h"

namespace t3 {

// The metadata key of weights that name their own sampling, as text of a JSON object.
inline constexpr const char* kSamplingKey = "t3.sampling";

// Takes "sampler", "steps", "guidance", "shift", "timesteps" and "sigmas" into `sampling`. Absent
// fields stay; a list replaces another, and sets `steps`. Throws Error for a wrong type or range, a
// list that does not fall, both lists, and "steps" that is not the list's length.
void TakeSampling(JsonFields& fields, SamplingConfig& sampling);

// Whether an object has a field that decides the steps or the solver: all but "guidance".
bool StatesSampling(const nlohmann::json& object);

// The object that TakeSampling reads.
nlohmann::ordered_json SamplingJson(const SamplingConfig& sampling);

// The value of kSamplingKey, or text of that form, over `defaults`. `where` begins messages. Throws
// Error for broken JSON, what TakeSampling refuses, and other fields.
SamplingConfig ParseSampling(const std::string& text, const std::string& where,
                             const SamplingConfig& defaults);
// The same of a JSON value that has been parsed.
SamplingConfig ReadSampling(const nlohmann::json& value, const std::string& where,
                            const SamplingConfig& defaults);

}  // namespace t3
