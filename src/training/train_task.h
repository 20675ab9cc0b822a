// Each task's plan and run, from its configuration.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

#include "runtime/stage.h"
#include "t3video/train.h"
#include "training/distill/distill_config.h"
#include "training/dit/dit_config.h"
#include "training/output_folder.h"
#include "training/train_ranks.h"
#include "training/vae/vae_config.h"

namespace t3 {

// Check what can be checked before weights are loaded and data is made, and count what the run
// takes on `device`, shared by `ranks` processes. Throw Error as PlanTraining does.
TrainPlan PlanTask(const DitTrainConfig& config, at::Device device, int64_t ranks);
TrainPlan PlanTask(const DistillConfig& config, at::Device device, int64_t ranks);
TrainPlan PlanTask(const VaeTrainConfig& config, at::Device device, int64_t ranks);

// Train, on all ranks; rank 0 has `announce`. Throw Error as Train does.
TrainResult TrainTask(const DitTrainConfig& config, const RunContext& context,
                      const AnnounceFn& announce, TrainRanks& ranks);
TrainResult TrainTask(const DistillConfig& config, const RunContext& context,
                      const AnnounceFn& announce, TrainRanks& ranks);
TrainResult TrainTask(const VaeTrainConfig& config, const RunContext& context,
                      const AnnounceFn& announce, TrainRanks& ranks);

}  // namespace t3
