// The training loop.
#include "training/loop/trainer.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <sys/resource.h>

#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "base/log.h"
#include "base/seconds_since.h"
#include "runtime/device.h"
#include "training/loop/curves.h"

namespace t3 {
namespace {

constexpr size_t kMaxNamed = 8;  // items in a message

int64_t PeakMemory(at::Device device) {
  if (device.is_cuda()) return DevicePeak(device);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

// libtorch's messages without their backtrace.
std::string MessageOf(const std::exception& error) {
  const auto* from_torch = dynamic_cast<const c10::Error*>(&error);
  return from_torch != nullptr ? from_torch->what_without_backtrace() : error.what();
}

std::string NameSome(const std::vector<std::string>& items) {
  const size_t named = std::min(items.size(), kMaxNamed);
  const std::string text = fmt::format(
      "{}", fmt::join(items.begin(), items.begin() + static_cast<int64_t>(named), ", "));
  return items.size() > named ? fmt::format("{} and {} more", text, items.size() - named) : text;
}

}  // namespace

Trainer::Trainer(const TrainConfig& config, Task& task, const RunContext& context, TrainHooks hooks)
    : config_(config),
      task_(task),
      context_(context),
      hooks_(std::move(hooks)),
      optimizer_(config.optimizer, config.ema, task.leaves()),
      checkpoints_(config.output, config.checkpoint.keep),
      step_(Resume()),
      saved_step_(step_),
      log_(config.output, step_),
      profile_(config.profile, context.device),
      begun_step_(step_) {
  ResetDevicePeak(context_.device);
}

nlohmann::json Trainer::Fingerprint() const {
  return {{"config", config_.fingerprint}, {"model", task_.Identity()}};
}

int64_t Trainer::Resume() {
  checkpoints_.Prepare();
  const auto checkpoint = checkpoints_.Newest();
  if (!checkpoint) return 0;
  CheckSameRun(*checkpoint, Fingerprint());
  try {
    optimizer_.Restore(checkpoint->tensors, checkpoint->step);
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
  bool ends = step_ >= config_.steps;
  while (!ends) {
    profile_.BeforeStep();
    Step();
    ends = step_ == config_.steps || OutOfTime();
    if (ends || CheckpointIsDue()) SaveCheckpoint();
    SaveAndStopIfCancelled();
    if (!SamplesAreDue()) continue;
    Sample(/*missing_only=*/false);
    SaveAndStopIfCancelled();
  }
  if (step_ < config_.steps) {
    spdlog::info("stopped at step {} of {} after {} s; the same command resumes", step_,
                 config_.steps, config_.stop_after_seconds);
  }
  SaveModelAndCurves();
}

void Trainer::Step() {
  const Clock::time_point begin = Clock::now();
  std::vector<std::string> items;
  const double loss = RunMicroBatches(&items);
  CheckFinite(loss, "loss", items);
  const double norm = optimizer_.ClipGradients();
  CheckFinite(norm, "gradient norm", items);
  const double lr = LearningRate(config_.optimizer, config_.schedule, step_, config_.steps);
  optimizer_.Step(lr);
  ++step_;
  Log(loss, norm, lr, static_cast<double>(items.size()) / SecondsSince(begin));
}

double Trainer::RunMicroBatches(std::vector<std::string>* items) {
  try {
    at::Tensor sum = at::zeros({}, at::TensorOptions().dtype(at::kFloat).device(context_.device));
    const double scale = 1.0 / static_cast<double>(config_.accumulation);
    for (int64_t micro = 0; micro < config_.accumulation; ++micro) {
      MicroBatchResult result = task_.ForwardBackward(step_, micro, scale);
      sum.add_(result.loss, scale);
      items->insert(items->end(), result.items.begin(), result.items.end());
    }
    return sum.item<double>();
  } catch (...) {
    SaveAfterFailure();
    throw;
  }
}

void Trainer::CheckFinite(double value, const char* what,
                          const std::vector<std::string>& items) const {
  if (std::isfinite(value)) return;
  Fail(
      "step {}: the {} is not finite; the batch was {}. {}; try a lower optimizer.lr, or leave "
      "these items out",
      step_ + 1, what, NameSome(items),
      saved_step_ > 0 ? fmt::format("The checkpoint of step {} is the last one", saved_step_)
                      : "There is no checkpoint yet");
}

void Trainer::Log(double loss, double norm, double lr, double samples_per_second) {
  const double spent = SecondsSince(begun_);
  const double pace = spent / static_cast<double>(step_ - begun_step_);
  const double left = pace * static_cast<double>(config_.steps - step_);
  LogEntry entry{step_, loss, norm, lr, samples_per_second, PeakMemory(context_.device), left};
  entry.validation_loss = Validate();
  log_.Add(entry);
  if (!context_.progress) return;
  std::string detail = fmt::format("loss {:.4f}", loss);
  if (entry.validation_loss) detail += fmt::format(", validation {:.4f}", *entry.validation_loss);
  context_.progress({"training", step_, config_.steps, spent, left, detail});
}

std::optional<double> Trainer::Validate() const {
  if (hooks_.validate_every <= 0 || step_ % hooks_.validate_every != 0) return std::nullopt;
  try {
    return hooks_.validate(optimizer_.EmaWeights());
  } catch (const std::exception& error) {
    const bool cancelled = context_.cancel != nullptr && context_.cancel->cancelled();
    if (!cancelled) spdlog::warn("the validation of step {} failed: {}", step_, MessageOf(error));
    ReleaseCachedMemory(context_.device);
    return std::nullopt;
  }
}

bool Trainer::SamplesAreDue() const {
  return hooks_.sample_every > 0 && step_ > 0 && step_ % hooks_.sample_every == 0;
}

void Trainer::Sample(bool missing_only) {
  try {
    SaveModelAndCurves();
    hooks_.sample(step_, missing_only);
  } catch (const std::exception& error) {
    const bool cancelled = context_.cancel != nullptr && context_.cancel->cancelled();
    if (!cancelled) spdlog::warn("the samples of step {} failed: {}", step_, MessageOf(error));
    ReleaseCachedMemory(context_.device);  // after an allocation that failed
  }
}

bool Trainer::OutOfTime() const {
  return config_.stop_after_seconds > 0 && SecondsSince(begun_) >= config_.stop_after_seconds;
}

bool Trainer::CheckpointIsDue() const {
  const CheckpointConfig& when = config_.checkpoint;
  return (when.every_steps > 0 && step_ % when.every_steps == 0) ||
         (when.every_seconds > 0 && SecondsSince(saved_at_) >= when.every_seconds);
}

void Trainer::SaveCheckpoint() {
  checkpoints_.Write(step_, optimizer_.State(), Fingerprint());
  saved_step_ = step_;
  saved_at_ = Clock::now();
}

// The weights are still those of the last finished step.
void Trainer::SaveAfterFailure() {
  if (step_ == saved_step_) return;
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

void Trainer::SaveModelAndCurves() const {
  task_.SaveModel(optimizer_.EmaWeights(), config_.output);
  try {
    WriteCurves((std::filesystem::path(config_.output) / "curves.svg").string(), log_.entries());
  } catch (const Error& error) {
    spdlog::warn("{}", error.what());
  }
}

}  // namespace t3
