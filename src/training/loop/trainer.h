// The training loop: steps, log, checkpoints, samples, validation.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/stage.h"
#include "training/loop/best_model.h"
#include "training/loop/checkpoint.h"
#include "training/loop/optimizer.h"
#include "training/loop/step_profile.h"
#include "training/loop/task.h"
#include "training/loop/time_limit.h"
#include "training/loop/train_config.h"
#include "training/loop/train_log.h"

namespace t3 {

// What happens between steps besides training. A failure of either is a warning: neither is worth
// a run.
struct TrainHooks {
  // Samples of the model in OUTPUT after `step` steps: all, or those that are missing because an
  // earlier call was interrupted.
  int64_t sample_every = 0;  // steps; 0: never
  std::function<void(int64_t step, bool missing_only)> sample;
  std::function<bool(int64_t step)> samples_missing;
  // Loss of a model with `weights` (by the names of Task::leaves()) on held-out clips.
  int64_t validate_every = 0;
  std::function<double(const TensorMap& weights)> validate;
  // Measures such a model; the one with the lowest score is kept in OUTPUT/best. Before the first
  // step as well, which shows where the run begins and is not kept.
  int64_t gate_every = 0;
  std::function<GateResult(const TensorMap& weights)> gate;
};

class Trainer {
 public:
  // Resumes from the newest checkpoint in config.output where there is one. Throws Error when that
  // belongs to another run.
  Trainer(const TrainConfig& config, Task& task, const RunContext& context, TrainHooks hooks = {});

  // Runs the remaining steps, or those that config.stop_after_seconds leaves time for, one at
  // least; then OUTPUT has the model, its log and curves. Samples that would pass the limit are
  // made by the next call. Whatever ends it, the last finished step can be resumed from, but for
  // two cases: a full disk and a loss that is not finite leave the last checkpoint. Throws Error of
  // kind kInterrupted after a cancel.
  void Run();

  int64_t step() const { return step_; }
  const std::vector<LogEntry>& log() const { return log_.entries(); }
  // The EMA where it is on, else the weights.
  TensorMap weights() const { return optimizer_->EmaWeights(); }

 private:
  using Clock = std::chrono::steady_clock;

  int64_t Resume();  // the step to resume from
  void Step();
  double RunMicroBatches(std::vector<std::string>* items);
  void CheckFinite(double value, const char* what, const std::vector<std::string>& items) const;
  void Log(double loss, double norm, double lr, double samples_per_second);
  std::optional<double> Validate();
  StepValues Gate();
  void GateTheBase();
  TensorMap State() const;
  std::string KeptText() const;  // what a run that fails leaves
  bool SamplesAreDue() const;
  void Sample(bool missing_only);
  bool HasTimeFor(const char* hook) const;
  bool OutOfTime() const;
  bool CheckpointIsDue() const;
  void SaveDueCheckpoint();
  void SaveCheckpoint();
  void SaveAfterFailure();
  void SaveAndStopIfCancelled();
  // That no step is left, where none is.
  void SayWhetherDone() const;
  void SaveModelAndCurves();
  void SaveFinalModel();

  const TrainConfig& config_;
  Task& task_;
  const RunContext& context_;
  TrainHooks hooks_;
  std::unique_ptr<Optimizer> optimizer_;
  CheckpointFolder checkpoints_;
  nlohmann::json identity_;  // of the files as they were when the run began
  int64_t step_;             // steps done
  int64_t saved_step_;       // of the newest checkpoint
  TrainLog log_;
  StepProfile profile_;
  Clock::time_point begun_ = Clock::now(), saved_at_ = Clock::now();
  int64_t begun_step_;
  TimeLimit limit_;
  BestModel best_;
  bool put_off_ = false;  // a checkpoint is due since a step at which the task may have diverged
  bool in_step_ = false;  // the task's own state is between two steps
};

}  // namespace t3
