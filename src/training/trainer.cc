// The training loop.
#include "training/trainer.h"

#include <ATen/ATen.h>
#include <sys/resource.h>

#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "base/log.h"
#include "base/seconds_since.h"
#include "pipeline/device.h"
#include "training/curves.h"

namespace t3 {
namespace {

constexpr size_t kMaxNamed = 8;  // items in a message

int64_t PeakMemory(at::Device device) {
  if (device.is_cuda()) return DevicePeak(device);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

Trainer::Trainer(const TrainConfig& config, Task& task, const RunContext& context, SampleFn sample)
    : config_(config),
      task_(task),
      context_(context),
      sample_(std::move(sample)),
      optimizer_(config.optimizer, config.ema, task.leaves()),
      checkpoints_(config.output, config.checkpoint.keep),
      step_(Resume()),
      saved_step_(step_),
      log_(config.output, step_),
      profile_(config.profile, context.device),
      begun_step_(step_) {
  ResetDevicePeak(context_.device);
}

nlohmann::json Trainer::Matters() const {
  return {{"config", FieldsThatMatter(config_)}, {"model", task_.Identity()}};
}

int64_t Trainer::Resume() {
  const auto checkpoint = checkpoints_.Newest();
  if (!checkpoint) return 0;
  CheckSameRun(*checkpoint, Matters());
  try {
    optimizer_.Restore(checkpoint->tensors, checkpoint->step);
  } catch (const Error& error) {
    Fail("the checkpoint {} cannot be gone on from: {}", checkpoint->path, error.what());
  }
  spdlog::info("going on from {}", checkpoint->path);
  return checkpoint->step;
}

void Trainer::Run() {
  while (step_ < config_.steps) {
    profile_.BeforeStep();
    Step();
    const bool cancelled = context_.cancel != nullptr && context_.cancel->cancelled();
    const bool ends = step_ == config_.steps || OutOfTime();
    if (CheckpointIsDue() || cancelled || ends) SaveCheckpoint();
    context_.CheckCancelled(
        fmt::format("step {} of {} is saved in {}; the same command goes on from there", step_,
                    config_.steps, config_.output));
    const int64_t every = config_.samples.every_steps;
    if (sample_ && every > 0 && step_ % every == 0) {
      SaveModelAndCurves();
      sample_(step_);
    }
    if (ends) break;
  }
  if (step_ < config_.steps) {
    spdlog::info("stopped at step {} of {} after {} s as asked; the same command goes on", step_,
                 config_.steps, config_.stop_after_seconds);
  }
  SaveModelAndCurves();
}

double Trainer::AccumulateStep(std::vector<std::string>* items) {
  at::Tensor sum = at::zeros({}, at::TensorOptions().dtype(at::kFloat).device(context_.device));
  const double scale = 1.0 / static_cast<double>(config_.accumulation);
  for (int64_t micro = 0; micro < config_.accumulation; ++micro) {
    MicroBatchResult result = task_.Accumulate(step_, micro, scale);
    sum.add_(result.loss, scale);
    items->insert(items->end(), result.items.begin(), result.items.end());
  }
  return sum.item<double>();
}

void Trainer::CheckFinite(double value, const char* what,
                          const std::vector<std::string>& items) const {
  if (std::isfinite(value)) return;
  const size_t named = std::min(items.size(), kMaxNamed);
  Fail(
      "step {}: the {} is not finite; its batch was {}{}. {}; try a lower optimizer.lr, or leave "
      "these "
      "items out",
      step_ + 1, what, fmt::join(items.begin(), items.begin() + static_cast<int64_t>(named), ", "),
      items.size() > named ? fmt::format(" and {} more", items.size() - named) : "",
      saved_step_ > 0 ? fmt::format("The checkpoint of step {} is the last good one", saved_step_)
                      : "There is no checkpoint yet");
}

void Trainer::Step() {
  const Clock::time_point begin = Clock::now();
  std::vector<std::string> items;
  const double loss = AccumulateStep(&items);
  CheckFinite(loss, "loss", items);
  const double norm = optimizer_.ClipGradients();
  CheckFinite(norm, "gradient norm", items);
  const double lr = LearningRate(config_.optimizer, config_.schedule, step_, config_.steps);
  optimizer_.Step(lr);
  ++step_;
  Log(loss, norm, lr, static_cast<double>(items.size()) / SecondsSince(begin));
}

void Trainer::Log(double loss, double norm, double lr, double samples_per_second) {
  const double spent = SecondsSince(begun_);
  const double pace = spent / static_cast<double>(step_ - begun_step_);
  const double left = pace * static_cast<double>(config_.steps - step_);
  log_.Add({step_, loss, norm, lr, samples_per_second, PeakMemory(context_.device), left});
  if (!context_.progress) return;
  context_.progress(
      {"training", step_, config_.steps, spent, left, fmt::format("loss {:.4f}", loss)});
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
  checkpoints_.Write(step_, optimizer_.State(), Matters());
  saved_step_ = step_;
  saved_at_ = Clock::now();
}

void Trainer::SaveModelAndCurves() {
  task_.SaveModel(optimizer_.Averaged(), config_.output);
  WriteCurves((std::filesystem::path(config_.output) / "curves.svg").string(), log_.entries());
}

}  // namespace t3
