// Which LoRAs a denoiser runs with: those of the command, or those that its folder names.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "loading/model_paths.h"

namespace t3 {

enum class LoraOrigin {
  kGiven,   // ModelFiles::loras
  kFolder,  // the folder's t3.json
  kAdded,   // ModelFiles::added_loras
};

struct ChosenLora {
  Lora lora;
  LoraOrigin origin = LoraOrigin::kGiven;
  std::string named_by = {};  // of kFolder: "DIR/t3.json: \"lora\""
};

// What a denoiser is used for. A draft is generated, and then refined.
struct StageLoras {
  std::vector<ChosenLora> generate;
  std::vector<ChosenLora> refine;
};

// Of each stage the first of these that is there, then `files.added_loras`:
// 1. `files.loras`, which may be empty;
// 2. of the folder's own denoiser the field of `t3_json` (of paths.defaults, or null): for refining
//    "refiner_lora", where absent "lora", and for generating "lora".
// A field is a text "FILE" or "FILE:SCALE", a list of them, or "none"; FILE is relative to the
// folder and within it. Throws Error that names t3.json and the field where it is something else or
// the file does not exist; fields that do not count are not looked at.
StageLoras ChooseLoras(const ModelFiles& files, const ModelPaths& paths,
                       const nlohmann::json& t3_json);

// Throws Error of kind kUsage where the scale is out of range. ParseLora does, too.
void CheckLoraScale(const Lora& lora);

// Whether the folder names LoRAs for its own denoiser.
bool NamesLoras(const ModelPaths& paths, const nlohmann::json& t3_json);

// The fields of t3.json, for programs that write one for other weights.
inline constexpr const char* kLoraField = "lora";
inline constexpr const char* kRefinerLoraField = "refiner_lora";

}  // namespace t3
