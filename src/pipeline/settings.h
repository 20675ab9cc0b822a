// A run's settings and inputs as data: what a checkpoint and a record remember of it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "pipeline/job.h"
#include "pipeline/run_settings.h"

namespace t3 {

// The request with everything that the job decided filled in, so that it is the same run even where
// the model's defaults change.
Request DecidedRequest(const Job& job);

// What decides the latents, values and the digests of files: equal inputs give equal latents with
// the same build on the same machine. Digests of `weights` as of WeightDigests.
nlohmann::ordered_json RunInputs(const ModelInfo& model, const Job& job,
                                 const RunSettings& settings,
                                 const nlohmann::ordered_json& weights);

// {"dit": DescribeFile, "text_encoder": ..., "vae": ..., "tokenizer": ..., "loras": [...]}.
nlohmann::ordered_json WeightDigests(const ModelInfo& model);

// Keys whose values differ, each as "steps (8, now 10)".
std::vector<std::string> Differences(const nlohmann::ordered_json& then,
                                     const nlohmann::ordered_json& now);

}  // namespace t3
