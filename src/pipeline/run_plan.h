// From a request to a plan that can be run: decided, checked, its inputs read. Nothing is written.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "loading/model_info.h"
#include "pipeline/planned_job.h"
#include "pipeline/run_settings.h"
#include "t3video/plan.h"

namespace t3 {

class Planner {
 public:
  Planner(const ModelInfo& model, const RunSettings& settings);

  // See Engine::Plan.
  RunPlan Plan(const Request& request);

  // Of WeightDigests; read at the first use.
  const nlohmann::ordered_json& weights();

 private:
  RunIdentity Identify(const PlannedJob& planned);
  void PlanDraft(PlannedJob& planned);
  RunPlan Describe(const PlannedJob& planned) const;
  void FindEarlierRun(PlannedJob& planned, RunPlan& plan) const;
  void PlanMemoryAndTime(PlannedJob& planned, RunPlan& plan) const;
  void CheckParts(const Job& job) const;
  void CheckPlaces(const PlannedJob& planned, RunPlan& plan);
  void ReadInputs(PlannedJob& planned) const;

  const ModelInfo& model_;
  const RunSettings& settings_;
  std::map<std::string, std::shared_ptr<const ModelInfo>> draft_models_;  // by the denoiser's file
  nlohmann::ordered_json weights_;
  std::map<std::string, std::vector<std::string>> checked_targets_;  // their notes
};

}  // namespace t3
