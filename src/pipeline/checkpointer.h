// When a run's state is saved while it denoises.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "pipeline/run_state.h"
#include "pipeline/stage.h"

namespace t3 {

class Checkpointer {
 public:
  // `every`: steps from one checkpoint to the next; 0: none; absent: as many as fit into two
  // minutes. `progress` gives what does not change over the steps.
  Checkpointer(const RunIdentity& identity, std::optional<int64_t> every,
               const RunProgress& progress);

  // Saves `state` when it is time. A place that cannot be written is a warning: the run goes on.
  // When the run was cancelled saves in any case (unless `every` is 0) and throws Error of kind
  // kInterrupted that says how to go on.
  void AfterStep(const SamplerState& state, const RunContext& context);

  // The last step that is on disk; 0 when there is none.
  int64_t saved_step() const { return saved_step_; }

 private:
  bool IsDue(int64_t step);
  bool Save(const SamplerState& state);
  [[noreturn]] void Interrupt(const SamplerState& state, const RunContext& context);

  const RunIdentity& identity_;
  std::optional<int64_t> every_;
  RunProgress progress_;
  int64_t saved_step_ = 0;
  std::chrono::steady_clock::time_point last_save_;
  std::chrono::steady_clock::time_point last_step_;
};

}  // namespace t3
