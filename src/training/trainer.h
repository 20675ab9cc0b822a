// The training loop: steps, log, checkpoints, samples.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/stage.h"
#include "training/checkpoint.h"
#include "training/optimizer.h"
#include "training/step_profile.h"
#include "training/task.h"
#include "training/train_config.h"
#include "training/train_log.h"

namespace t3 {

class Trainer {
 public:
  // Makes samples of the model in OUTPUT after `step` steps; empty: none.
  using SampleFn = std::function<void(int64_t step)>;

  // Goes on from the newest checkpoint in config.output where there is one. Throws Error when that
  // is of another run.
  Trainer(const TrainConfig& config, Task& task, const RunContext& context, SampleFn sample = {});

  // All steps that are left, or those of config.stop_after_seconds; then OUTPUT holds the model,
  // its log and curves. Throws Error of kind kInterrupted after a cancel, once the step in work is
  // finished and saved; kFailed when the loss or a gradient is not finite, which leaves the last
  // checkpoint, or a disk is full.
  void Run();

  int64_t step() const { return step_; }
  const std::vector<LogEntry>& log() const { return log_.entries(); }
  // Of the weights, or of their average where there is one.
  TensorMap weights() const { return optimizer_.Averaged(); }

 private:
  using Clock = std::chrono::steady_clock;

  nlohmann::json Matters() const;
  int64_t Resume();  // the step to go on from
  void Step();
  double AccumulateStep(std::vector<std::string>* items);
  void CheckFinite(double value, const char* what, const std::vector<std::string>& items) const;
  void Log(double loss, double norm, double lr, double samples_per_second);
  bool OutOfTime() const;
  bool CheckpointIsDue() const;
  void SaveCheckpoint();
  void SaveModelAndCurves();

  const TrainConfig& config_;
  Task& task_;
  const RunContext& context_;
  SampleFn sample_;
  Optimizer optimizer_;
  CheckpointFolder checkpoints_;
  int64_t step_;        // taken
  int64_t saved_step_;  // of the newest checkpoint
  TrainLog log_;
  StepProfile profile_;
  Clock::time_point begun_ = Clock::now(), saved_at_ = Clock::now();
  int64_t begun_step_;
};

}  // namespace t3
