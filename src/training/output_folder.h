// The folder that a training writes: what it may replace there, and what it continues.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/new_folder.h"
#include "base/output_lock.h"
#include "t3video/train.h"
#include "training/input_files.h"
#include "training/loop/train_config.h"

namespace t3 {

// Throws Error where config.output cannot be a folder to write into, or config.profile a file.
void CheckOutput(const TrainConfig& config);

// Throws Error where the training would write over one of its `inputs` (CheckInputsStay), or the
// folder has one of the files of `written`, which no training put there, unless config.overwrite.
void CheckModelReplaceable(const TrainConfig& config, const std::vector<const char*>& written,
                           const std::vector<InputFile>& inputs);

// The steps of the checkpoints in the folder, the newest first.
std::vector<int64_t> CheckpointSteps(const TrainConfig& config);

// Throws Error where the newest checkpoint is of another run than one of this configuration with
// the model `identity` (Task::Identity, which reads all weights), or beyond its last step.
void CheckResumable(const TrainConfig& config, const std::function<nlohmann::json()>& identity);

// Adds to the plan why the device or a disk is too small for it, where one is, else notes on both.
void CompletePlan(const TrainConfig& config, TrainPlan* plan);
void LogNotes(const TrainPlan& plan);

// The last that rank 0 does before work starts: completes the plan, gives it to `announce`, if any,
// logs its notes and throws its refusal, if any.
using AnnounceFn = std::function<void(const TrainPlan& plan)>;
void AnnouncePlan(const TrainConfig& config, TrainPlan plan, const AnnounceFn& announce);

// Makes the folder where it is missing, locks it for one run, and removes what killed runs left in
// it. Throws Error when another process trains into it.
class OutputFolder {
 public:
  explicit OutputFolder(const TrainConfig& config);

 private:
  NewFolder folder_;
  OutputLock lock_;
};

}  // namespace t3
