// Encoding a run's videos before it trains on them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/stage.h"
#include "training/train_config.h"

namespace t3 {

// `videos` is the object of a configuration's data.videos (docs/training.md): source, size, frames,
// fps, clips_per_video, max_upscale. Makes the dataset in the folder `prepared`, or brings it up to
// date, as `t3 prepare` does with the run's model, device and dtype; what is there already is kept.
// Files that cannot be used are named in the log. Throws Error as Prepare, and for a wrong field.
void PrepareWhenMissing(const TrainConfig& config, const nlohmann::json& videos,
                        const std::string& prepared, const RunContext& context);

}  // namespace t3
