// Generates the clips to measure: by a model from captions, or from true renders by its VAE.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "eval/eval_plan.h"
#include "eval/resident_networks.h"
#include "models/dit/dit.h"
#include "models/vae/vae.h"
#include "pipeline/ranks/shared_encoder.h"
#include "pipeline/text_embeds.h"
#include "runtime/stage.h"
#include "world/world.h"

namespace t3 {

// A held-out scene to generate.
struct EvalItem {
  uint64_t number = 0;  // of HeldOutScene
  WorldScene scene;
  std::string caption;
  uint64_t noise_seed = 0;
  PromptEmbeds embeds;  // when a model generates it
};

// Makes the clips of one size, with networks that those of other sizes share.
class ClipGenerator {
 public:
  // The clips `clips` of the plan. `networks` and `context` must outlive this.
  ClipGenerator(const EvalPlan& plan, const ClipPlan& clips, ResidentNetworks& networks,
                const RunContext& context);
  ClipGenerator(const ClipGenerator&) = delete;
  ClipGenerator& operator=(const ClipGenerator&) = delete;

  // Clips are then made from those of `draft`, of the job's draft, which must outlive this.
  void RefineDraftsOf(const ClipGenerator& draft) { draft_ = &draft; }

  // Clips (3,frames,height,width) in [-1,1] on the device, of at most `batch` items. Throws Error
  // of kind kInterrupted between steps once the run is cancelled.
  std::vector<at::Tensor> Generate(const std::vector<EvalItem>& items) const;
  // Encoded to the posterior's mean and decoded.
  at::Tensor ThroughVae(const at::Tensor& video) const;

  // Flow-matching loss of an item, whose render is `video`: the mean over kLossDraws draws of noise
  // and timestep, which follow from `seed` and the item's number.
  static constexpr int64_t kLossDraws = 4;
  double Loss(const EvalItem& item, const at::Tensor& video, int64_t seed) const;

  // Seconds of one evaluation of the denoiser, one guidance branch of one clip: the median of five.
  double ForwardSeconds(const EvalItem& item) const;

 private:
  // Networks, loaded where they are not there; each until the next is asked for.
  Dit& Denoiser() const;
  const VideoDecoder& Decoder() const;
  const ClipEncoder& DraftEncoder() const;
  const Vae& TrueEncoder() const;
  std::vector<int64_t> LatentShape() const;
  // Latents (z,T,h,w) fp32 of each item, denoised from noise, or from its source where there are
  // some.
  std::vector<at::Tensor> Latents(const std::vector<EvalItem>& items,
                                  const std::vector<at::Tensor>& sources) const;
  std::vector<at::Tensor> LatentsTogether(const std::vector<EvalItem>& items) const;
  std::vector<at::Tensor> Refine(const std::vector<EvalItem>& items,
                                 std::vector<at::Tensor> drafts) const;
  at::Tensor Decode(const at::Tensor& latents) const;  // (z,T,h,w) -> a clip

  const EvalPlan& plan_;
  const ClipPlan& clips_;
  const Job& job_;          // of clips_
  const ModelInfo& model_;  // that denoises them
  ResidentNetworks& networks_;
  const RunContext& context_;
  const ProgressFn silent_{};
  RunContext quiet_;  // without progress: steps and frames of single clips are not reported
  AttentionLayout attention_;
  const ClipGenerator* draft_ = nullptr;
};

}  // namespace t3
