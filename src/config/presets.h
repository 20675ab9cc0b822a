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

// What a user gets when an option is not given.
struct GenerationDefaults {
  int64_t width = 832;
  int64_t height = 480;
  int64_t frames = 81;
  double fps = 16;
  SamplingConfig sampling;
  std::string negative_prompt;
  bool operator==(const GenerationDefaults&) const = default;
};

// A published window table: the cycle for one grid. Also the measure by which the planner sizes
// windows on other grids.
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
// The preset whose DiT has these sizes and this attention; nullptr when there is none.
const ModelPreset* MatchPreset(const DitConfig& dit, AttentionPattern attention);

// The table that sizes windows for a model with this many latent channels (16: Wan2.1, 48: Wan2.2;
// any other number gets Wan2.1's).
const WindowTable& PublishedWindows(int64_t latent_channels);

// Latent statistics of a VAE version, in the order of the channels.
const std::vector<double>& LatentMean(VaeVersion version);
const std::vector<double>& LatentStd(VaeVersion version);

// Wan's default negative prompt (Chinese), as its configuration has it.
extern const char* const kWanNegativePrompt;

}  // namespace t3
