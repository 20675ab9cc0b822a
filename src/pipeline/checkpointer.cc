// Checkpoints by steps or by time.
#include "pipeline/checkpointer.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"

namespace t3 {
namespace {

// What an interruption may cost, when the user does not say.
constexpr std::chrono::seconds kMaxAtRisk{120};

}  // namespace

Checkpointer::Checkpointer(const RunIdentity& identity, std::optional<int64_t> every,
                           const RunProgress& progress)
    : identity_(identity),
      every_(every),
      progress_(progress),
      saved_step_(progress.sampler.step),
      last_save_(std::chrono::steady_clock::now()),
      last_step_(last_save_) {}

bool Checkpointer::IsDue(int64_t step) {
  const auto now = std::chrono::steady_clock::now();
  const auto step_time = now - last_step_;
  last_step_ = now;
  if (step == identity_.steps) return false;  // the final latents are saved next
  if (every_) return *every_ > 0 && step % *every_ == 0;
  return now - last_save_ + step_time > kMaxAtRisk;  // the next step would be too late
}

bool Checkpointer::Save(const SamplerState& state) {
  progress_.sampler = state;
  last_save_ = std::chrono::steady_clock::now();
  try {
    SaveCheckpoint(identity_, progress_);
  } catch (const Error& error) {
    spdlog::warn("step {} could not be saved, the run goes on without: {}", state.step,
                 error.what());
    return false;
  }
  saved_step_ = state.step;
  return true;
}

void Checkpointer::Interrupt(const SamplerState& state, const RunContext& context) {
  if (every_ != 0) Save(state);
  if (saved_step_ > 0) {
    context.CheckCancelled(
        fmt::format("step {} of {} is saved in {}; `t3 resume {}` goes on from there", saved_step_,
                    identity_.steps, CheckpointBeside(identity_.output), identity_.output));
  }
  context.CheckCancelled(fmt::format("step {} of {} is not saved", state.step, identity_.steps));
  Fail("a run was interrupted that nobody cancelled");
}

void Checkpointer::AfterStep(const SamplerState& state, const RunContext& context) {
  if (IsDue(state.step)) Save(state);
  if (context.cancel != nullptr && context.cancel->cancelled() && state.step < identity_.steps) {
    Interrupt(state, context);
  }
}

}  // namespace t3
