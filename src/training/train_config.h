// What `t3 train` is told: CONFIG.json with --set over it (docs/training.md).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/attention.h"
#include "config/geometry.h"
#include "t3video/generation_params.h"
#include "t3video/options.h"

namespace t3 {

enum class MatrixRule { kAdamW, kMuon };

struct OptimizerConfig {
  double lr = 1e-5;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
  double clip = 1;                           // bound of the global gradient norm; 0: none
  MatrixRule matrices = MatrixRule::kAdamW;  // what moves hidden matrices; AdamW moves the others
  double momentum = 0.95;                    // Muon's
};

enum class Decay { kConstant, kCosine, kLinear };

struct ScheduleConfig {
  int64_t warmup = 0;  // steps over which the rate rises linearly
  Decay decay = Decay::kConstant;
  double final = 0;  // at the last step, as a fraction of lr
};

struct LoraConfig {
  int64_t rank = 32;
  double alpha = 32;
  std::vector<std::string> targets{"q", "k", "v", "o", "ffn.0", "ffn.2"};
};

enum class Weighting { kNone, kGaussian };

struct TimestepConfig {
  double shift = 5;
  Weighting weighting = Weighting::kNone;
};

// What the backward pass keeps of a block.
enum class Activations { kKeep, kBlock, kOffload };

// A size to train at. Frames are 4n + 1.
struct Bucket {
  int64_t width = 0, height = 0, frames = 0;
};

struct CheckpointConfig {
  double every_seconds = 600;  // 0: not by time
  int64_t every_steps = 0;     // 0: not by steps
  int64_t keep = 2;
};

struct SampleConfig {
  int64_t every_steps = 0;  // 0: none
  std::vector<std::string> prompts;
  GenerationParams params;
  int64_t seed = 0;
};

struct TrainConfig {
  std::string source;  // where it was read, for messages
  std::string task = "dit";
  ModelFiles model;
  std::string output;
  nlohmann::json data;          // of the task's and its source's own fields
  std::vector<Bucket> buckets;  // empty: all that the data has
  AttentionPattern attention = AttentionPattern::kFull;
  bool attention_given = false;  // else as the model was trained
  std::string windows;           // "t,h,w;..."; empty: the planner's
  int64_t steps = 0;
  double stop_after_seconds = 0;  // of one call, which saves and ends then; 0: never
  int64_t batch_size = 1;
  int64_t accumulation = 1;
  int64_t seed = 0;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  double ema = 0;  // 0: none
  std::string device = "auto";
  std::string dtype = "auto";  // of the computation
  std::string save_dtype = "fp32";
  std::optional<LoraConfig> lora;  // absent: all weights
  bool decoder_alone = false;      // of the task vae: the encoder, and so the latents, stay
  nlohmann::json vae_loss;         // of the task vae
  bool train_text_encoder = false;
  double prompt_dropout = 0.1;
  TimestepConfig timesteps;
  Activations activations = Activations::kKeep;
  CheckpointConfig checkpoint;
  SampleConfig samples;
  std::string profile;      // file for a trace of some steps (training/step_profile.h); empty: none
  nlohmann::json document;  // as parsed, overrides included
};

// Every field typed and checked. Throws Error that names the field; kUsage for a wrong --set.
TrainConfig ReadTrainConfig(const std::string& path, const std::vector<std::string>& overrides);
TrainConfig ParseTrainConfig(const nlohmann::json& document, const std::string& source);

// "a.b=value" into the document; the value is JSON where it parses as such, else a text.
void Override(const std::string& assignment, nlohmann::json* document);

// The fields that a checkpoint must share with the run that goes on from it, as "name: value".
nlohmann::json FieldsThatMatter(const TrainConfig& config);

}  // namespace t3
