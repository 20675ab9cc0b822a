// What caches of clips will take, before they are rendered.
#pragma once

#include <vector>

#include "t3video/train.h"
#include "training/dit/dit_config.h"
#include "training/dit/world_latents.h"

namespace t3 {

// The caches of the clips that are trained on, which batches have as `latents`, and of validation
// clips: one entry a folder, none for those that are complete.
std::vector<TrainPlan::Cache> PlanCaches(const DitTrainConfig& config, const ModelInfo& model,
                                         ClipLatents latents);

}  // namespace t3
