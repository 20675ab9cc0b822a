// What a user should know about a job before it runs.
#pragma once

#include <string>
#include <vector>

#include "loading/model_info.h"
#include "pipeline/job.h"

namespace t3 {

// A job's draft and the model that denoises it; nullptr where it has none.
struct NotedDraft {
  const ModelInfo* model = nullptr;
  const Job* job = nullptr;
};

// Which distilled weights and settings were taken, options without effect, LoRAs and sizes that do
// not fit the model.
std::vector<std::string> JobNotes(const ModelInfo& model, const Job& job, const NotedDraft& draft);

}  // namespace t3
