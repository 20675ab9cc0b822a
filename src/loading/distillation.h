// How a model's file says that it is sampled: by its metadata, its tensors or its name.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "config/presets.h"
#include "config/sampling_config.h"
#include "weights/weight_file.h"

namespace t3 {

struct Distillation {
  std::string name;    // of the release, or of the file
  std::string source;  // "the file's metadata", "the file's tensors" or "the file's name"
  // Whether it counts before the folder's t3.json: what a file says of itself, and what a LoRA
  // makes of the model, does.
  bool before_folder = false;
  SamplingConfig sampling;
};

// Of a denoiser of width `dim`. nullopt where the file says nothing. Throws Error for metadata that
// are wrong, and for weights that need the attention of a causal model.
std::optional<Distillation> DistillationOfDit(const WeightFile& file, int64_t dim);
// Of a LoRA for such a denoiser.
std::optional<Distillation> DistillationOfLora(const WeightFile& file, int64_t dim);

// Puts `distilled` into `defaults`, or removes it where the folder's t3.json (`folder`, or null)
// counts before it. `dit_from_folder`: the denoiser is the folder's own. A list of levels that
// begins below 1 is that of a refiner: the strength follows it.
void ApplyDistillation(const nlohmann::json& folder, bool dit_from_folder,
                       std::optional<Distillation>& distilled, GenerationDefaults& defaults);

}  // namespace t3
