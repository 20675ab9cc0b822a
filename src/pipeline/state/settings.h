// A run's settings and inputs as data: what checkpoints, records and files say about it. All are
// made from the declarations in t3video/request_options.h.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "pipeline/job.h"
#include "pipeline/run_settings.h"
#include "weights/types.h"

namespace t3 {

// The request with everything that the job decided filled in, so that it is the same run even when
// the model's defaults change.
Request DecidedRequest(const Job& job);

// What decides the latents, as values and digests of files: equal inputs give equal latents with
// the same build on the same machine. `weights` as of WeightDigests.
nlohmann::ordered_json RunInputs(const ModelInfo& model, const Job& job,
                                 const RunSettings& settings,
                                 const nlohmann::ordered_json& weights);

// {"dit": DescribeFile, "text_encoder": ..., "vae": ..., "tokenizer": ..., "loras": [...]},
// "decoder" where the model has one beside its VAE, and "refiner_loras" where it refines with
// others.
nlohmann::ordered_json WeightDigests(const ModelInfo& model);

// The job's settings as metadata for the files that it writes: "t3.prompt", "t3.size", ...
Metadata JobMetadata(const ModelInfo& model, const Job& job, const std::string& dtype);

// Keys of the settings that change the video file but not the latents that it is decoded from.
std::vector<std::string> FileSettings();

// Keys whose values differ, each as "steps (8, now 10)".
std::vector<std::string> Differences(const nlohmann::ordered_json& then,
                                     const nlohmann::ordered_json& now);

}  // namespace t3
