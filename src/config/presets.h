// Named models: network sizes, published window tables and sampling defaults. Data only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/attention.h"
#include "config/geometry.h"
#include "config/model_config.h"
#include "config/sampling_config.h"

namespace t3 {

// What a model says about drafts in its t3.json.
struct DraftDefaults {
  int64_t width = 0;  // of its area; the draft takes the video's aspect
  int64_t height = 0;
  std::optional<int64_t> steps;  // absent: the model's
  bool operator==(const DraftDefaults&) const = default;
};

// Defaults of the generation options.
struct GenerationDefaults {
  int64_t width = 832;
  int64_t height = 480;
  int64_t frames = 81;
  double fps = 16;
  SamplingConfig sampling;
  std::string negative_prompt;
  double strength = 0.4;                    // of a source video or a draft
  std::optional<DraftDefaults> draft = {};  // for videos of more than twice its area
  bool operator==(const GenerationDefaults&) const = default;
};

// A published window table: the cycle for one grid. The planner derives the windows of other grids
// from it.
struct WindowTable {
  Grid grid;
  WindowCycle cycle;
};

struct ModelPreset {
  std::string name;  // "wan2.1-1.3b", "wan2.1-1.3b-t3", "wan2.2-5b", "wan2.2-5b-t3"
  DitConfig dit;
  TextEncoderConfig text;
  VaeConfig vae;
  AttentionPattern attention = AttentionPattern::kFull;
  GenerationDefaults defaults;
};

const std::vector<ModelPreset>& Presets();
// Throws Error of kind kUsage that lists the names.
const ModelPreset& FindPreset(std::string_view name);
// The preset whose DiT has these sizes and this attention; nullptr if there is none.
const ModelPreset* MatchPreset(const DitConfig& dit, AttentionPattern attention);

// The release of a family with T3 or with full attention.
const ModelPreset& ReleaseOf(ModelFamily family, bool t3);

// The table that sizes the windows of a family's models.
const WindowTable& PublishedWindows(ModelFamily family);

// Latent statistics of a VAE version, in the order of the channels.
const std::vector<double>& LatentMean(VaeVersion version);
const std::vector<double>& LatentStd(VaeVersion version);

// Wan's default negative prompt (Chinese), as its configuration has it.
extern const char* const kWanNegativePrompt;

}  // namespace t3
