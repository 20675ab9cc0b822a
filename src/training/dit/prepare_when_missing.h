// Encodes a run's videos before it trains on them.
#pragma once

#include "runtime/stage.h"
#include "training/dit/dit_config.h"

namespace t3 {

// Makes the dataset of config.data.videos, or brings it up to date, as `t3 prepare` does with the
// run's model, device and dtype; clips that are already encoded stay. Files that cannot be used are
// named in the log. Throws Error as Prepare does.
void PrepareWhenMissing(const DitTrainConfig& config, const RunContext& context);

}  // namespace t3
