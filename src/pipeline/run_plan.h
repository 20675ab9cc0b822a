// From a request to a plan that can be run: decided, checked, its inputs read. Nothing is written.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "loading/model_info.h"
#include "media/image.h"
#include "pipeline/decode.h"
#include "pipeline/job.h"
#include "pipeline/memory_check.h"
#include "pipeline/run_settings.h"
#include "pipeline/state/run_state.h"
#include "pipeline/text_embeds.h"
#include "t3video/plan.h"

namespace t3 {

// What the engine keeps of a plan.
struct PlannedJob {
  Job job;
  DecodeTarget target;
  RunIdentity identity;
  RunMemory memory;
  std::optional<FoundRun> found;  // the state that an earlier run left
  std::optional<Image> image;     // scaled to the padded size
  at::Tensor noise;               // of a file, (z,T,h,w) fp32; undefined: drawn from the seed
  PromptEmbeds embeds;            // of a file; empty: encoded from the prompts
};

class Planner {
 public:
  Planner(const ModelInfo& model, const RunSettings& settings);

  // See Engine::Plan.
  RunPlan Plan(const Request& request);

  // Of WeightDigests; read at the first use.
  const nlohmann::ordered_json& weights();

 private:
  RunIdentity Identify(const Job& job, const Metadata& metadata);
  void CheckParts(const Job& job) const;
  void CheckPlaces(const PlannedJob& planned);
  void ReadInputs(PlannedJob& planned) const;

  const ModelInfo& model_;
  const RunSettings& settings_;
  nlohmann::ordered_json weights_;
  std::set<std::string> checked_targets_;
};

// Whether the run leaves a state beside its output until it is complete; one without a path does
// not.
bool KeepsState(const Request& request);

// (z,T,h,w) of the job's latents.
std::vector<int64_t> LatentShape(const ModelInfo& model, const Job& job);

}  // namespace t3
