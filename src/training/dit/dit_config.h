// Settings of the task "dit": training the denoiser (docs/reference/training.md).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "t3video/attention.h"
#include "t3video/generation_params.h"
#include "training/dit/data_config.h"
#include "training/loop/train_config.h"

namespace t3 {

struct LoraConfig {
  int64_t rank = 32;
  double alpha = 32;
  std::vector<std::string> targets{"q", "k", "v", "o", "ffn.0", "ffn.2"};
  bool operator==(const LoraConfig&) const = default;
};

enum class Weighting { kNone, kGaussian };

struct TimestepConfig {
  double shift = 5;
  Weighting weighting = Weighting::kNone;
  double min = 0, max = 1000;  // timesteps outside are never drawn
  bool operator==(const TimestepConfig&) const = default;
};

// What the backward pass finds stored of a block.
enum class Activations {
  kStore,    // everything
  kBlock,    // the block's input; the rest is recomputed
  kOffload,  // the same, in host memory
};

// A clip size to train on. Frames are 4n + 1.
struct Bucket {
  int64_t width = 0, height = 0, frames = 0;
  bool operator==(const Bucket&) const = default;
};

struct SampleConfig {
  int64_t every_steps = 0;  // 0: none
  std::vector<std::string> prompts;
  GenerationParams params;
  int64_t seed = 0;
  bool operator==(const SampleConfig&) const = default;
};

// The loss on held-out clips with fixed noise and timesteps.
struct ValidationConfig {
  int64_t every_steps = 0;  // 0: none
  std::string prepared;     // dataset of held-out clips; empty: `world`
  std::optional<WorldLatentsConfig> world;
  int64_t clips = 8;  // the first so many of it
  bool operator==(const ValidationConfig&) const = default;
};

// How a network attends.
struct AttentionConfig {
  std::optional<AttentionPattern> attention;  // absent: as the model was trained
  std::string windows;                        // "t,h,w;..."; empty: the planner's
  bool operator==(const AttentionConfig&) const = default;
};

struct DitTrainConfig : TrainConfig, AttentionConfig {
  DitDataConfig data;
  std::vector<Bucket> buckets;     // empty: every size that the data has
  std::optional<LoraConfig> lora;  // absent: all weights are trained
  bool train_text_encoder = false;
  double prompt_dropout = 0.1;
  double image_to_video = 0;  // share of the clips that are conditioned on their first frame
  TimestepConfig timesteps;
  Activations activations = Activations::kStore;
  SampleConfig samples;
  ValidationConfig validation;
  bool operator==(const DitTrainConfig&) const = default;
};

// The windows that the configuration names; empty: the planner's or the model's.
WindowCycle WindowsOf(const AttentionConfig& config);

// The object "attention" and the object or null "lora" of `parent`. Throw Error that names the
// field.
AttentionConfig TakeAttention(JsonFields& parent);
std::optional<LoraConfig> TakeLora(JsonFields& parent);

// Whether a size of the world's is that of enlarged drafts, or the dataset is to have drafts.
bool HasDrafts(const DitDataConfig& data);

// The fields that every task that trains a denoiser has.
DitTrainConfig TakeDenoiser(JsonFields& root, const nlohmann::json& document);

// Every field typed and checked; throws Error that names the field. `source` names the file.
DitTrainConfig ParseDitTrainConfig(const nlohmann::json& document, const std::string& source);

}  // namespace t3
