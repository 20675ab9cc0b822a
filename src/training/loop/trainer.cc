// The training loop.
#include "training/loop/trainer.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <sys/resource.h>

#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/seconds_since.h"
#include "runtime/device.h"
#include "training/loop/curves.h"

namespace t3 {
namespace {

constexpr size_t kMaxNamed = 8;              // items in a message
constexpr const char* kTaskState = "task.";  // before names of Task::State in a checkpoint

// Kinds of work that TimeLimit measures.
constexpr const char* kStepTime = "step";
constexpr const char* kGateTime = "gate";
constexpr const char* kValidationTime = "validation";
constexpr const char* kCheckpointTime = "checkpoint";
constexpr const char* kModelTime = "model";
constexpr const char* kSampleTime = "samples";

int64_t PeakMemory(at::Device device) {
  if (device.is_cuda()) return DevicePeak(device);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

// Of the error that is being handled; libtorch's messages without their backtrace.
std::string MessageOf(const std::exception& error) {
  const auto* from_torch = dynamic_cast<const c10::Error*>(&error);
  return from_torch != nullptr ? from_torch->what_without_backtrace() : CurrentError().what();
}

std::string NameSome(const std::vector<std::string>& items) {
  const size_t named = std::min(items.size(), kMaxNamed);
  const std::string text = fmt::format(
      "{}", fmt::join(items.begin(), items.begin() + static_cast<int64_t>(named), ", "));
  return items.size() > named ? fmt::format("{} and {} more", text, items.size() - named) : text;
}

// Takes the tensors of Task::State out of a checkpoint's.
TensorMap TakeTaskState(TensorMap& tensors) {
  TensorMap state;
  const std::string_view prefix = kTaskState;
  for (auto it = tensors.begin(); it != tensors.end();) {
    if (it->first.starts_with(prefix)) {
      state[it->first.substr(prefix.size())] = it->second;
      it = tensors.erase(it);
    } else {
      ++it;
    }
  }
  return state;
}

}  // namespace

Trainer::Trainer(const TrainConfig& config, Task& task, const RunContext& context, TrainHooks hooks)
    : config_(config),
      task_(task),
      context_(context),
      hooks_(std::move(hooks)),
      optimizer_(task.MakeOptimizer(config)),
      checkpoints_(config.output, config.checkpoint.keep),
      identity_(task.Identity()),
      step_(Resume()),
      saved_step_(step_),
      log_(config.output, step_),
      profile_(config.profile, context.device),
      begun_step_(step_),
      limit_(config.output, config.started, config.stop_after_seconds),
      best_(config.output, step_) {
  ResetDevicePeak(context_.device);
}

int64_t Trainer::Resume() {
  checkpoints_.Prepare();
  auto checkpoint = checkpoints_.Newest();
  if (!checkpoint) return 0;
  CheckSameRun(*checkpoint, config_, identity_);
  CheckStepsLeft(*checkpoint, config_);
  try {
    task_.Restore(TakeTaskState(checkpoint->tensors), checkpoint->step);
    optimizer_->Restore(checkpoint->tensors, checkpoint->step);
  } catch (const Error& error) {
    Fail("cannot resume from the checkpoint {}: {}", checkpoint->path, error.what());
  }
  spdlog::info("resuming from {}", checkpoint->path);
  return checkpoint->step;
}

void Trainer::Run() {
  if (SamplesAreDue() && hooks_.samples_missing(step_)) {
    Sample(/*missing_only=*/true);
    SaveAndStopIfCancelled();
  }
  GateTheBase();
  SayWhetherDone();
  bool ends = step_ >= config_.steps;
  while (!ends) {
    profile_.BeforeStep();
    limit_.Measure(kStepTime, [&] { Step(); });
    ends = step_ == config_.steps || OutOfTime();
    const bool samples = SamplesAreDue() && HasTimeFor(kSampleTime);
    ends = ends || (SamplesAreDue() && !samples);
    if (ends) {
      SaveCheckpoint();
    } else {
      SaveDueCheckpoint();
    }
    SaveAndStopIfCancelled();
    if (!samples) continue;
    Sample(/*missing_only=*/false);
    SaveAndStopIfCancelled();
  }
  if (step_ < config_.steps) {
    spdlog::info("stopped at step {} of {} after {} s; the same command resumes", step_,
                 config_.steps, config_.stop_after_seconds);
  }
  SaveFinalModel();
  if (!best_.Text().empty()) spdlog::info("{}", best_.Text());
  limit_.Save();
}

void Trainer::Step() {
  const Clock::time_point begin = Clock::now();
  std::vector<std::string> items;
  in_step_ = true;
  const double loss = RunMicroBatches(&items);
  CheckFinite(loss, "loss", items);
  const double norm = optimizer_->ClipGradients();
  CheckFinite(norm, "gradient norm", items);
  const double lr = LearningRate(config_.optimizer, config_.schedule, step_, config_.steps);
  optimizer_->Step(lr);
  task_.AfterStep(step_);
  ++step_;
  in_step_ = false;
  Log(loss, norm, lr, static_cast<double>(items.size()) / SecondsSince(begin));
}

double Trainer::RunMicroBatches(std::vector<std::string>* items) {
  try {
    task_.BeforeStep(step_);
    at::Tensor sum = at::zeros({}, at::TensorOptions().dtype(at::kFloat).device(context_.device));
    const double scale = 1.0 / static_cast<double>(config_.accumulation);
    for (int64_t micro = 0; micro < config_.accumulation; ++micro) {
      MicroBatchResult result = task_.ForwardBackward(step_, micro, scale);
      sum.add_(result.loss, scale);
      items->insert(items->end(), result.items.begin(), result.items.end());
    }
    return sum.item<double>();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFailed || task_.State().empty()) {
      SaveAfterFailure();
      throw;
    }
    Fail("step {}: {}. {}", step_ + 1, error.what(), KeptText());
  } catch (...) {
    SaveAfterFailure();
    throw;
  }
}

std::string Trainer::KeptText() const {
  std::string text = saved_step_ > 0
                         ? fmt::format("The checkpoint of step {} is the last one", saved_step_)
                         : "There is no checkpoint yet";
  if (!best_.Text().empty()) text += "; " + best_.Text();
  return text;
}

void Trainer::CheckFinite(double value, const char* what,
                          const std::vector<std::string>& items) const {
  if (std::isfinite(value)) return;
  Fail(
      "step {}: the {} is not finite; the batch was {}. {}; try a lower optimizer.lr, or leave "
      "these items out",
      step_ + 1, what, NameSome(items), KeptText());
}

void Trainer::Log(double loss, double norm, double lr, double samples_per_second) {
  const double spent = SecondsSince(begun_);
  const double pace = spent / static_cast<double>(step_ - begun_step_);
  const double left = pace * static_cast<double>(config_.steps - step_);
  LogEntry entry{step_, loss, norm, lr, samples_per_second, PeakMemory(context_.device), left};
  entry.validation_loss = Validate();
  entry.values = task_.Values();
  entry.values.merge(Gate());
  log_.Add(entry);
  if (!context_.progress) return;
  std::string detail = fmt::format("loss {:.4f}", loss);
  if (entry.validation_loss) detail += fmt::format(", validation {:.4f}", *entry.validation_loss);
  context_.progress({"training", step_, config_.steps, spent, left, detail});
}

std::optional<double> Trainer::Validate() {
  if (hooks_.validate_every <= 0 || step_ % hooks_.validate_every != 0) return std::nullopt;
  try {
    return limit_.Measure(kValidationTime,
                          [&] { return hooks_.validate(optimizer_->EmaWeights()); });
  } catch (const std::exception& error) {
    const bool cancelled = context_.cancel != nullptr && context_.cancel->cancelled();
    if (!cancelled) spdlog::warn("the validation of step {} failed: {}", step_, MessageOf(error));
    ReleaseCachedMemory(context_.device);
    return std::nullopt;
  }
}

StepValues Trainer::Gate() {
  if (hooks_.gate_every <= 0 || step_ % hooks_.gate_every != 0) return {};
  try {
    return limit_.Measure(kGateTime, [&] {
      const TensorMap weights = optimizer_->EmaWeights();
      GateResult result = hooks_.gate(weights);
      best_.Offer(step_, result,
                  [&](const std::string& folder) { task_.SaveModel(weights, folder); });
      result.values["gate_score"] = result.score;
      return result.values;
    });
  } catch (const std::exception& error) {
    const bool cancelled = context_.cancel != nullptr && context_.cancel->cancelled();
    if (!cancelled) spdlog::warn("the gates of step {} failed: {}", step_, MessageOf(error));
    ReleaseCachedMemory(context_.device);
    return {};
  }
}

// Also shows how long it takes before the limit is near.
void Trainer::GateTheBase() {
  if (hooks_.gate_every <= 0 || step_ != 0) return;
  try {
    const GateResult result =
        limit_.Measure(kGateTime, [&] { return hooks_.gate(optimizer_->EmaWeights()); });
    std::string text;
    for (const auto& [name, value] : result.values) text += fmt::format(", {} {:.4g}", name, value);
    spdlog::info("before the first step: gate_score {:.4g}{}", result.score, text);
  } catch (const std::exception& error) {
    SaveAndStopIfCancelled();
    Fail("the gates cannot be measured: {}", MessageOf(error));
  }
}

bool Trainer::SamplesAreDue() const {
  return hooks_.sample_every > 0 && step_ > 0 && step_ % hooks_.sample_every == 0;
}

void Trainer::Sample(bool missing_only) {
  try {
    SaveModelAndCurves();
    limit_.Measure(kSampleTime, [&] { hooks_.sample(step_, missing_only); });
  } catch (const std::exception& error) {
    const bool cancelled = context_.cancel != nullptr && context_.cancel->cancelled();
    if (!cancelled) spdlog::warn("the samples of step {} failed: {}", step_, MessageOf(error));
    ReleaseCachedMemory(context_.device);  // after an allocation that failed
  }
}

// Besides what ends a call.
bool Trainer::HasTimeFor(const char* hook) const {
  return !limit_.Passes({hook, kStepTime, kCheckpointTime, kModelTime, kModelTime});
}

bool Trainer::OutOfTime() const {
  std::vector<std::string> next{kStepTime, kCheckpointTime, kModelTime};
  const auto is_next = [&](int64_t every) { return every > 0 && (step_ + 1) % every == 0; };
  if (is_next(hooks_.gate_every)) next.emplace_back(kGateTime);
  if (is_next(hooks_.validate_every)) next.emplace_back(kValidationTime);
  if (CheckpointIsDue()) next.emplace_back(kCheckpointTime);
  return limit_.Passes(next);
}

bool Trainer::CheckpointIsDue() const {
  const CheckpointConfig& when = config_.checkpoint;
  return (when.every_steps > 0 && step_ % when.every_steps == 0) ||
         (when.every_seconds > 0 && SecondsSince(saved_at_) >= when.every_seconds);
}

TensorMap Trainer::State() const {
  TensorMap state = optimizer_->State();
  for (const auto& [name, tensor] : task_.State()) state[kTaskState + name] = tensor;
  return state;
}

// After the next step the loss will show whether the task diverges.
void Trainer::SaveDueCheckpoint() {
  put_off_ = put_off_ || CheckpointIsDue();
  if (put_off_ && !task_.MayDiverge()) SaveCheckpoint();
}

// Where the task may have diverged, and the call ends, no earlier checkpoint gives way to it.
void Trainer::SaveCheckpoint() {
  const int64_t spare = task_.MayDiverge() ? 1 : 0;
  limit_.Measure(kCheckpointTime, [&] {
    checkpoints_.Write(step_, State(), config_.settings.recorded(), identity_, spare);
  });
  put_off_ = false;
  saved_step_ = step_;
  saved_at_ = Clock::now();
}

// The weights are still those of the last finished step; a task's own state is not.
void Trainer::SaveAfterFailure() {
  if (step_ == saved_step_ || (in_step_ && !task_.State().empty())) return;
  if (!optimizer_->HasState()) {
    spdlog::warn("step {} cannot be saved, because other ranks have a part of its state. {}", step_,
                 KeptText());
    return;
  }
  try {
    SaveCheckpoint();
    spdlog::info("step {} is saved in {}", step_, config_.output);
  } catch (const std::exception& error) {
    spdlog::warn("{}", error.what());
  }
}

void Trainer::SaveAndStopIfCancelled() {
  if (context_.cancel == nullptr || !context_.cancel->cancelled()) return;
  if (saved_step_ != step_) SaveCheckpoint();
  context_.CheckCancelled(fmt::format("step {} of {} is saved in {}; the same command resumes",
                                      step_, config_.steps, config_.output));
}

void Trainer::SayWhetherDone() const {
  if (step_ < config_.steps) return;
  spdlog::info("all of its {} done; the model is written again",
               step_ == 1 ? "1 step is" : fmt::format("{} steps are", step_));
}

void Trainer::SaveFinalModel() {
  try {
    SaveModelAndCurves();
  } catch (const std::exception& error) {
    Fail(
        "the model of step {} could not be written: {}; its checkpoint is saved, and the same "
        "command writes the model",
        step_, MessageOf(error));
  }
}

void Trainer::SaveModelAndCurves() {
  limit_.Measure(kModelTime, [&] { task_.SaveModel(optimizer_->EmaWeights(), config_.output); });
  try {
    WriteCurves((std::filesystem::path(config_.output) / "curves.svg").string(), log_.entries());
  } catch (const Error& error) {
    spdlog::warn("{}", error.what());
  }
}

}  // namespace t3
