// Training: t3 train.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/progress.h"

namespace t3 {

struct TrainResult {
  std::string output;  // folder of the model, its log, curves and checkpoints
  int64_t steps = 0;
  double loss = 0;  // of the last step
};

// Trains as the file `config` says (docs/reference/training.md), with `overrides`
// ("field.name=value"), and resumes from the newest checkpoint in its output folder. Throws Error:
// kUsage for a wrong override, kInterrupted after `cancel` once the work is saved, kFailed for all
// else.
TrainResult Train(const std::string& config, const std::vector<std::string>& overrides,
                  const ProgressFn& progress = {}, const CancelToken* cancel = nullptr);

}  // namespace t3
