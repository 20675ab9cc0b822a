// What the model in the repository can and cannot do.
#pragma once

#include <string>
#include <vector>

#include "loading/model_info.h"
#include "pipeline/job.h"

namespace t3 {

// Notes for a job of the shipped model: what it knows, and where the job leaves that. Empty for
// other models.
std::vector<std::string> ShippedModelNotes(const ModelInfo& model, const Job& job);

}  // namespace t3
