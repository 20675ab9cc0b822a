// Requests to videos: the order of the stages and what is in memory during each.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "models/dit/dit.h"
#include "pipeline/decode.h"
#include "pipeline/job.h"
#include "pipeline/load_models.h"
#include "pipeline/model_info.h"
#include "pipeline/record.h"
#include "pipeline/run_settings.h"
#include "pipeline/run_state.h"
#include "pipeline/stage.h"
#include "pipeline/text_embeds.h"
#include "t3video/engine.h"

namespace t3 {

// Runs requests over one opened model. The text encoder has left memory before denoising starts;
// the denoiser stays between requests where the decoder fits beside it.
class Generation {
 public:
  Generation(const ModelInfo& model, const RunSettings& settings, const RunContext& context);

  // See Engine::GenerateAll.
  std::vector<Outcome> Run(std::span<const Request> requests, const Engine::FinishedFn& finished);

 private:
  // A request that passed all checks.
  struct Item {
    size_t index = 0;
    Job job;
    DecodeTarget target;
    RunIdentity identity;
    RunMemory memory;
    std::optional<FoundRun> found;  // the state that an earlier run left
    PromptEmbeds embeds;
    Result result;
    StartTime started;
  };

  Item Prepare(size_t index, const Request& request);
  RunIdentity Identify(const Job& job, const Metadata& metadata);
  void CheckFiles(const Job& job, const DecodeTarget& target) const;
  void TakeUp(Item& item, FoundRun found) const;
  void EncodePrompts(std::vector<Item>& items);
  at::Tensor EncodeImage(Item& item) const;
  at::Tensor Noise(const Job& job) const;
  at::Tensor DenoiseItem(Item& item);
  at::Tensor RunSteps(Item& item, const at::Tensor& first_frame);
  void Make(Item& item, bool last);
  void MakeOrExplain(Item& item, bool last);
  void WriteOutput(Item& item, const at::Tensor& latents);
  void SaveAsOutput(Item& item, const at::Tensor& latents) const;
  void DecodeSafely(Item& item, const at::Tensor& latents, const std::string& saved);

  const ModelInfo& model_;
  RunSettings settings_;
  const RunContext& context_;
  nlohmann::ordered_json weights_;  // digests of the model's files
  std::optional<Dit> dit_;
  BlockWeights block_weights_ = BlockWeights::kOnDevice;  // of dit_
  std::optional<Vae> vae_;                                // its decoder
};

}  // namespace t3
