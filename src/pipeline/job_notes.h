// What a user should know about a job before it runs.
#pragma once

#include <string>
#include <vector>

#include "loading/model_info.h"
#include "pipeline/job.h"

namespace t3 {

// Which distilled weights and settings were taken, options without effect, LoRAs and sizes that do
// not fit the model. `draft`: the job of its draft; nullptr where it has none.
std::vector<std::string> JobNotes(const ModelInfo& model, const Job& job, const Job* draft);

}  // namespace t3
