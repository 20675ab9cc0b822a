// When a run's state is saved while it denoises.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "pipeline/state/run_state.h"
#include "runtime/stage.h"

namespace t3 {

// The latest state of a run on disk.
struct SavedStep {
  std::string file;  // "" where none is
  int64_t step = 0;
};

// Which step is on disk and how to continue from it, for messages. `saved` has a file.
std::string WhereSaved(const RunIdentity& identity, const SavedStep& saved);

class Checkpointer {
 public:
  // `every`: steps between checkpoints; 0: none; absent: as many as keep no more than two minutes
  // of work at risk. `progress`: what does not change from step to step, and the state that the
  // steps begin with. `saved`: what the run was resumed from, or what an earlier pass saved.
  Checkpointer(const RunIdentity& identity, std::optional<int64_t> every,
               const RunProgress& progress, SavedStep saved = {});

  // Saves `state` when it is due. A place that cannot be written is a warning, and the run
  // continues. When the run was cancelled, saves in any case (unless `every` is 0), wherever there
  // is a place, and throws Error of kind kInterrupted, which says so where nothing is saved. After
  // the last step with `every` 0 it never throws: the caller has the final latents to save.
  void AfterStep(const SamplerState& state, const RunContext& context);

  // When a later step failed: saves the latest completed step (unless `every` is 0). A device whose
  // memory can no longer be read leaves the last checkpoint. Never throws.
  void AfterFailure();

  // Saves `state` unless `every` is 0: more work than usual would be lost with it.
  void SaveNow(const SamplerState& state);

  const SavedStep& saved() const { return saved_; }

 private:
  bool IsDue(int64_t step);
  RunProgress At(const SamplerState& state) const;
  void Save(const SamplerState& state);
  void SaveSomewhere(const SamplerState& state);
  [[noreturn]] void Interrupt(const SamplerState& state, const RunContext& context);

  const RunIdentity& identity_;
  std::optional<int64_t> every_;
  RunProgress progress_;  // with the sampler's state that the run began with
  SavedStep saved_;
  std::optional<SamplerState> latest_;  // none before the first step and for `every` 0
  std::chrono::steady_clock::time_point last_save_;
  std::chrono::steady_clock::time_point last_step_;
};

}  // namespace t3
