// What a run will do, said before it starts.
#pragma once

#include "pipeline/job.h"
#include "pipeline/model_info.h"
#include "pipeline/run_settings.h"
#include "t3video/tools.h"

namespace t3 {

// Checkpoint, video, attention, memory against what there is, and the time where this machine was
// calibrated for the model.
Report DescribeRun(const ModelInfo& model, const Job& job, const RunSettings& settings);

}  // namespace t3
