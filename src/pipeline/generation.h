// Plans to videos: the order of the stages and what is in memory during each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "pipeline/denoising_pass.h"
#include "pipeline/prompt_encodings.h"
#include "pipeline/run_item.h"
#include "pipeline/run_networks.h"
#include "pipeline/run_scope.h"
#include "t3video/engine.h"

namespace t3 {

// Runs plans over one opened model. The text encoder has left memory before denoising starts; what
// stays of the other networks is in run_networks.h.
class Generation {
 public:
  // `weights` of WeightDigests, for records. `kept`: nullptr: nothing outlives the run.
  Generation(const RunScope& scope, const nlohmann::ordered_json& weights,
             KeptNetworks* kept = nullptr);

  // See Engine::RunAll.
  std::vector<Outcome> Run(std::span<const RunPlan> plans, const Engine::FinishedFn& finished);

 private:
  RunItem Start(size_t index, const RunPlan& plan) const;
  // Takes the outcome of plan `index`. An interruption ends the run.
  using SettleFn = std::function<void(size_t index, Outcome outcome)>;
  std::vector<RunItem> Accept(std::span<const RunPlan> plans, const SettleFn& settle) const;
  static void Lock(RunItem& item);
  static void RemoveStale(const std::vector<RunItem>& items);
  bool IsFinishedMeanwhile(const RunItem& item) const;
  void GenerateOne(RunItem& item, bool last);
  at::Tensor MakeLatents(RunItem& item);
  at::Tensor MakeLatentsSafely(RunItem& item);
  at::Tensor RunPass(RunItem& item, const DenoisingPass& pass);
  void FinishRecord(RunItem& item) const;
  // generation_source.cc
  void MakeDraft(RunItem& item);
  void DecodeDraft(RunItem& item);
  void OpenSource(RunItem& item);  // unless it is open
  at::Tensor EncodeSource(RunItem& item);
  // generation_output.cc
  void WriteOutput(RunItem& item, const at::Tensor& latents);
  void SaveExtraLatents(const RunItem& item, const at::Tensor& latents) const;
  void SaveAsOutput(RunItem& item, const at::Tensor& latents) const;
  void DecodeSafely(RunItem& item, const at::Tensor& latents, const std::string& saved);
  void DecodeOutput(RunItem& item, const at::Tensor& latents);

  RunScope scope_;
  const nlohmann::ordered_json& weights_;
  PromptEncodings prompts_;
  RunNetworks networks_;
};

}  // namespace t3
