// Plans to videos: the order of the stages and what is in memory during each.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/output_lock.h"
#include "loading/load_models.h"
#include "loading/model_info.h"
#include "models/dit/dit.h"
#include "pipeline/decode.h"
#include "pipeline/denoise.h"
#include "pipeline/embed_spool.h"
#include "pipeline/preview/preview.h"
#include "pipeline/run_plan.h"
#include "pipeline/run_settings.h"
#include "pipeline/source_clip.h"
#include "pipeline/state/checkpointer.h"
#include "pipeline/state/record.h"
#include "pipeline/text_embeds.h"
#include "runtime/stage.h"
#include "t3video/engine.h"

namespace t3 {

// Networks that stay in memory from one run to the next over the same model.
struct KeptNetworks {
  std::optional<Dit> dit;
  BlockWeights block_weights = BlockWeights::kOnDevice;  // of dit
  bool also_bf16 = false;                                // likewise
  const ModelInfo* model = nullptr;                      // likewise
  std::unique_ptr<VideoDecoder> decoder;
  int64_t bytes = 0;  // of all their weights
};

// Runs plans over one opened model. The text encoder has left memory before denoising starts; the
// denoiser stays between videos where the decoder fits beside it.
class Generation {
 public:
  // `weights` of WeightDigests, for records. `team`: the ranks that share the work, of which this
  // is rank 0; nullptr: this process alone.
  Generation(const ModelInfo& model, const RunSettings& settings,
             const nlohmann::ordered_json& weights, const RunContext& context, Team* team,
             KeptNetworks* kept = nullptr);

  // See Engine::RunAll.
  std::vector<Outcome> Run(std::span<const RunPlan> plans, const Engine::FinishedFn& finished);

 private:
  // A plan on its way to a video.
  struct Item {
    size_t index = 0;
    const PlannedJob* planned = nullptr;
    Result result;
    StartTime started;
    std::optional<OutputLock> lock;  // of the output, while it is being made
    SavedStep saved;                 // what the passes so far have left on disk
    at::Tensor draft;                // final latents of the draft; undefined: none, or not yet
    std::shared_ptr<const SourceClip> source;  // the clip to refine, once something reads it

    const Job& job() const { return planned->job; }
    const Request& request() const { return planned->job.request; }
  };

  Item Start(size_t index, const RunPlan& plan) const;
  // Takes the outcome of plan `index`. An interruption ends the run.
  using SettleFn = std::function<void(size_t index, Outcome outcome)>;
  std::vector<Item> Accept(std::span<const RunPlan> plans, const SettleFn& settle) const;
  static void Lock(Item& item);
  static void RemoveStale(const std::vector<Item>& items);
  void TakeKept(const std::vector<Item>& items);
  void Keep(const std::vector<Item>& items);
  bool IsFinishedMeanwhile(const Item& item) const;
  void EncodePrompts(std::vector<Item>& items);
  static bool HasText(const Item& item);
  PromptEmbeds EmbedsOf(const Item& item) const;

  // Steps of a run that are taken with one denoiser at one size: all of them, or those of the draft
  // and then those of the video.
  struct Pass {
    const ModelInfo& model;
    const Job& job;
    const RunMemory& memory;
    const std::optional<Image>& image;
    const char* name;        // of the stage in progress and records
    int64_t first_step = 0;  // of the run
    at::Tensor source = {};  // latents that are noised
    bool last = true;        // its latents are the video's
  };
  const SamplerState* Resumed(const Item& item, const Pass& pass) const;
  at::Tensor EncodeImage(Item& item, const Pass& pass) const;
  at::Tensor Noise(const Item& item, const Pass& pass) const;
  at::Tensor MakeLatents(Item& item);
  at::Tensor MakeLatentsSafely(Item& item);
  at::Tensor RunPass(Item& item, const Pass& pass);
  SamplerState StateBefore(const Item& item, const Pass& pass) const;
  DenoiseInput InputOf(const Item& item, const Pass& pass, const RunProgress& progress) const;
  std::optional<Preview> OpenPreview(const Item& item) const;
  at::Tensor Steps(const Pass& pass, DenoiseInput input, Stage& stage, const StepFn& after_step);
  at::Tensor RunSteps(Item& item, const Pass& pass, const at::Tensor& first_frame);
  bool IsOwn(const ModelInfo* model) const;
  void LoadDenoiser(const Pass& pass);
  void DropDenoiser();
  // generation_source.cc
  void MakeDraft(Item& item);
  void DecodeDraft(Item& item);
  void OpenSource(Item& item);  // unless it is open
  at::Tensor EncodeSource(Item& item);
  void GenerateOne(Item& item, bool last);
  void WriteOutput(Item& item, const at::Tensor& latents);
  void SaveExtraLatents(const Item& item, const at::Tensor& latents) const;
  void SaveAsOutput(Item& item, const at::Tensor& latents) const;
  void DecodeSafely(Item& item, const at::Tensor& latents, const std::string& saved);
  void DecodeOutput(Item& item, const at::Tensor& latents);
  void FinishRecord(Item& item) const;

  const ModelInfo& model_;
  const RunSettings& settings_;
  const nlohmann::ordered_json& weights_;
  const RunContext& context_;
  Team* team_;
  std::optional<EmbedSpool> spool_;  // of the prompts that were encoded
  std::optional<Dit> dit_;
  const ModelInfo* dit_model_ = nullptr;                  // of dit_
  bool dit_bf16_ = false;                                 // whether dit_ has that form too
  BlockWeights block_weights_ = BlockWeights::kOnDevice;  // of dit_
  std::unique_ptr<VideoDecoder> decoder_;
  KeptNetworks* kept_;  // nullptr: nothing outlives the run
};

}  // namespace t3
