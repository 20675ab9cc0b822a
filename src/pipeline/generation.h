// Requests to videos: the order of the stages and what is in memory during each.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/dit/dit.h"
#include "pipeline/decode.h"
#include "pipeline/job.h"
#include "pipeline/memory_check.h"
#include "pipeline/model_info.h"
#include "pipeline/stage.h"
#include "pipeline/text_embeds.h"
#include "t3video/engine.h"

namespace t3 {

struct RunSettings {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  MemoryLimits limits;
};

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
    PromptEmbeds embeds;
    Result result;
  };

  Item Prepare(size_t index, const Request& request) const;
  void EncodePrompts(std::vector<Item>& items);
  at::Tensor EncodeImage(Item& item) const;
  at::Tensor Noise(const Job& job) const;
  at::Tensor DenoiseItem(Item& item);
  void Make(Item& item);
  void WriteOutput(Item& item, const at::Tensor& latents);
  void DecodeSafely(Item& item, const at::Tensor& latents, const std::string& saved);
  std::string RunDtypeName() const;

  const ModelInfo& model_;
  RunSettings settings_;
  const RunContext& context_;
  std::optional<Dit> dit_;
};

}  // namespace t3
