// Checkpoints by steps or by time.
#include "pipeline/state/checkpointer.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"
#include "base/failure.h"
#include "base/log.h"
#include "pipeline/state/state_places.h"

namespace t3 {
namespace {

// Work that an interruption may lose, where the user does not say.
constexpr std::chrono::seconds kMaxAtRisk{120};

}  // namespace

std::string WhereSaved(const RunIdentity& identity, const SavedStep& saved) {
  return fmt::format("step {} of {} is saved in {}; {} continues from there", saved.step,
                     identity.steps, saved.file, HowToResume(identity, saved.file));
}

Checkpointer::Checkpointer(const RunIdentity& identity, std::optional<int64_t> every,
                           const RunProgress& progress, SavedStep saved)
    : identity_(identity),
      every_(every),
      progress_(progress),
      saved_(std::move(saved)),
      last_save_(std::chrono::steady_clock::now()),
      last_step_(last_save_) {
  // On the host, as the texts are: what is saved after a failure should need little of the device.
  if (progress_.first_frame.defined()) progress_.first_frame = progress_.first_frame.cpu();
}

bool Checkpointer::IsDue(int64_t step) {
  const auto now = std::chrono::steady_clock::now();
  const auto step_time = now - last_step_;
  last_step_ = now;
  if (step == identity_.steps) return false;  // the final latents are saved next
  if (every_) return *every_ > 0 && step % *every_ == 0;
  return now - last_save_ + step_time > kMaxAtRisk;  // after the next step it would be too late
}

RunProgress Checkpointer::At(const SamplerState& state) const {
  RunProgress progress = progress_;
  progress.sampler = state;
  return progress;
}

void Checkpointer::Save(const SamplerState& state) {
  last_save_ = std::chrono::steady_clock::now();
  try {
    SaveCheckpoint(identity_, At(state));
    saved_ = {CheckpointBeside(identity_.output), state.step};
  } catch (...) {
    spdlog::warn("step {} could not be saved, and the run continues without: {}", state.step,
                 CurrentError().what());
  }
}

void Checkpointer::SaveNow(const SamplerState& state) {
  if (every_ != 0) Save(state);
}

void Checkpointer::SaveSomewhere(const SamplerState& state) {
  std::string why;
  std::string file;
  try {
    file = SaveLastCheckpoint(identity_, At(state), why);
  } catch (...) {
    why = CurrentError().what();
  }
  if (file.empty()) {
    spdlog::warn("step {} could not be saved: {}", state.step, why);
    return;
  }
  saved_ = {file, state.step};
}

void Checkpointer::Interrupt(const SamplerState& state, const RunContext& context) {
  latest_.reset();  // this was its chance
  if (every_ != 0) SaveSomewhere(state);
  context.CheckCancelled(
      saved_.file.empty() ? fmt::format("step {} of {} is not saved", state.step, identity_.steps)
                          : "");
  Fail("a run was interrupted that nobody cancelled");
}

void Checkpointer::AfterFailure() {
  if (latest_ && latest_->step > saved_.step) SaveSomewhere(*latest_);
}

void Checkpointer::AfterStep(const SamplerState& state, const RunContext& context) {
  // The tensors themselves: the solver makes new ones in each step. A copy to the host after every
  // step would take 2 % of a 4K run.
  if (every_ != 0) latest_ = state;
  if (IsDue(state.step)) Save(state);
  const bool cancelled = context.cancel != nullptr && context.cancel->cancelled();
  if (cancelled && (state.step < identity_.steps || every_ != 0)) Interrupt(state, context);
}

}  // namespace t3
