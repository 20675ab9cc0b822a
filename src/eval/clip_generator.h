// Generates the clips to measure: by a model from captions, or from true renders by its VAE.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/dit/dit.h"
#include "models/vae/vae.h"
#include "pipeline/job.h"
#include "pipeline/memory_check.h"
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

// A model's networks for one size, loaded once and only as needed.
class ClipGenerator {
 public:
  // `batch` clips are denoised together.
  ClipGenerator(const ModelInfo& model, const Job& job, at::ScalarType dtype, int64_t batch,
                const RunContext& context);
  ClipGenerator(const ClipGenerator&) = delete;
  ClipGenerator& operator=(const ClipGenerator&) = delete;
  void LoadDenoiser();
  void LoadDecoder();
  void LoadEncoder();
  // Uses the denoiser and the decoder that `loaded`, of another size of the same model, has.
  void ShareNetworks(const ClipGenerator& loaded);

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
  RunMemory Memory() const;
  std::vector<int64_t> LatentShape() const;
  // Denoised from noise, or from `source` where it is defined.
  at::Tensor Latents(const EvalItem& item, const at::Tensor& source, Stage& stage) const;
  at::Tensor Refine(const EvalItem& item, const at::Tensor& draft, Stage& stage) const;
  at::Tensor Decode(const at::Tensor& latents) const;

  const ModelInfo& model_;
  const Job& job_;
  at::ScalarType dtype_;
  const RunContext& context_;
  const ProgressFn silent_{};
  RunContext quiet_;  // without progress: steps and frames of single clips are not reported
  AttentionLayout attention_;
  int64_t batch_;
  const ClipGenerator* draft_ = nullptr;
  std::optional<Dit> dit_;
  std::shared_ptr<const VideoDecoder> decoder_;
  std::optional<Vae> encoder_;               // of true renders
  std::optional<ClipEncoder> clip_encoder_;  // of drafts
};

}  // namespace t3
