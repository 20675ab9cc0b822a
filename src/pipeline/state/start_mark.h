// The mark that a run has begun.
#pragma once

#include "pipeline/state/run_state.h"

namespace t3 {

// It lies beside the run's output until there is a state worth keeping, or nothing left to do: a
// run that fails before its first checkpoint leaves nothing. A place that cannot be written is a
// warning.
class StartMark {
 public:
  // nullptr: no mark is wanted.
  explicit StartMark(const RunIdentity* identity);
  ~StartMark();
  StartMark(const StartMark&) = delete;
  StartMark& operator=(const StartMark&) = delete;

 private:
  const RunIdentity* identity_;
};

}  // namespace t3
