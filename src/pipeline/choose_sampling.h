// The sampling of a request: what it asks for over what the model is sampled with.
#pragma once

#include <string>
#include <vector>

#include "config/sampling_config.h"
#include "loading/model_info.h"
#include "t3video/generation_params.h"

namespace t3 {

// Throws Error of kind kUsage where a number in `params` is outside its range, also where it would
// have no effect, such as the steps of a draft without a draft.
void CheckNumbers(const GenerationParams& params);

// A list of noise levels in `params` sets the steps. Without one, the model's list stays unless
// `params` has another number of steps, or a shift. Throws Error of kind kUsage for values outside
// their ranges, a list that contradicts `steps`, and what MakeSchedule refuses.
SamplingConfig ChooseSampling(const SamplingConfig& defaults, const GenerationParams& params);

// Whether a run from noise takes the same steps with both.
bool AreEqualFromNoise(SamplingConfig a, SamplingConfig b);

// What the model's files say of sampling, and what in `sampling` does not fit them or has no
// effect, a sentence each.
std::vector<std::string> SamplingNotes(const ModelInfo& model, const GenerationParams& params,
                                       const SamplingConfig& sampling);

}  // namespace t3
