// Settings that every training task shares, from the JSON file of `t3 train`
// (docs/reference/training.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/json_fields.h"
#include "t3video/options.h"
#include "training/loop/resume_settings.h"

namespace t3 {

// The optimizer of hidden matrices; AdamW updates all other weights.
enum class MatrixRule { kAdamW, kMuon };

struct OptimizerConfig {
  double lr = 1e-5;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
  double clip = 1;  // maximum global gradient norm; 0: no clipping
  MatrixRule matrices = MatrixRule::kAdamW;
  double momentum = 0.95;  // of Muon
  bool operator==(const OptimizerConfig&) const = default;
};

enum class Decay { kConstant, kCosine, kLinear };

struct ScheduleConfig {
  int64_t warmup = 0;  // steps over which the learning rate rises linearly
  Decay decay = Decay::kConstant;
  double final = 0;  // learning rate of the last step as a fraction of lr
  bool operator==(const ScheduleConfig&) const = default;
};

struct CheckpointConfig {
  double every_seconds = 600;  // 0: not by time
  int64_t every_steps = 0;     // 0: not by steps
  int64_t keep = 2;
  bool operator==(const CheckpointConfig&) const = default;
};

struct TrainConfig {
  std::string source;  // the file, for messages
  ModelFiles model;
  std::string output;
  bool overwrite = false;  // write into a folder with a model that no training put there
  int64_t steps = 0;
  double stop_after_seconds = 0;  // limit of one call, counted from `started`; 0: none
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  int64_t batch_size = 1;
  int64_t accumulation = 1;                  // micro batches of a step
  std::optional<int64_t> sequence_parallel;  // ranks that share a clip; absent: ChooseRankLayout
  int64_t seed = 0;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  double ema = 0;  // decay; 0: no average
  std::string device = "auto";
  ComputeDtype dtype = ComputeDtype::kAuto;
  std::string save_dtype = "fp32";
  CheckpointConfig checkpoint;
  std::string profile;      // file for a trace of some steps (StepProfile); empty: none
  ResumeSettings settings;  // of the whole file
  bool operator==(const TrainConfig&) const = default;
};

// Reads the shared fields of `root`, which is made of `document`. Throws Error that names a field
// of the wrong type or range, and where "output" or "steps" is missing.
TrainConfig TakeTrainConfig(JsonFields& root, const nlohmann::json& document);

// The object or text "model" of `fields`; empty where it is absent.
ModelFiles TakeModelFiles(JsonFields& fields);

// Throws Error unless `frames` is 4n + 1. `where` names the object in the message.
void CheckFrameCount(const std::string& where, int64_t frames);

// One of the names of `values`; `fallback` where the field is absent.
template <typename E>
E TakeEnum(JsonFields& fields, const std::string& key,
           const std::vector<std::pair<std::string, E>>& values, E fallback) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  std::string chosen;
  fields.TakeName(key, names, &chosen);
  for (const auto& [name, value] : values) {
    if (name == chosen) return value;
  }
  return fallback;
}

}  // namespace t3
