// The clips that are measured: made by a model, or true renders as they are or through its VAE.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "models/dit/dit.h"
#include "models/vae/vae.h"
#include "pipeline/job.h"
#include "pipeline/memory_check.h"
#include "pipeline/stage.h"
#include "pipeline/text_embeds.h"
#include "world/world.h"

namespace t3 {

// A held-out scene to be made.
struct EvalItem {
  uint64_t number = 0;  // of HeldOutScene
  WorldScene scene;
  std::string caption;
  uint64_t noise_seed = 0;
  PromptEmbeds embeds;  // where a model makes it
};

// A model's networks for one size, loaded once. What is not needed is not loaded.
class ClipMaker {
 public:
  // `batch` clips are denoised together.
  ClipMaker(const ModelInfo& model, const Job& job, at::ScalarType dtype, int64_t batch,
            const RunContext& context);
  ClipMaker(const ClipMaker&) = delete;
  ClipMaker& operator=(const ClipMaker&) = delete;
  void LoadDenoiser();
  void LoadDecoder();
  void LoadEncoder();
  // Takes the denoiser and the decoder of a maker of another size of the same model.
  void ShareNetworks(const ClipMaker& loaded);

  // Clips (3,frames,height,width) in [-1,1] on the device. Throw Error of kind kInterrupted between
  // steps once the run is cancelled. At most `batch` items.
  std::vector<at::Tensor> Generate(const std::vector<EvalItem>& items) const;
  // Encoded to the posterior's mean and decoded.
  at::Tensor ThroughVae(const at::Tensor& video) const;

  // Flow-matching loss of an item, whose render is `video`, as its mean over kLossDraws fixed draws
  // of noise and timestep: `seed` and the item's number fix them.
  static constexpr int64_t kLossDraws = 4;
  double Loss(const EvalItem& item, const at::Tensor& video, int64_t seed) const;

  // Seconds of one evaluation of the denoiser, one guidance branch of one clip: the median of five.
  double ForwardSeconds(const EvalItem& item) const;

 private:
  RunMemory Memory() const;
  std::vector<int64_t> LatentShape() const;
  at::Tensor Decode(const at::Tensor& latents) const;

  const ModelInfo& model_;
  const Job& job_;
  at::ScalarType dtype_;
  const RunContext& context_;
  const ProgressFn silent_{};
  RunContext quiet_;  // steps and frames of single clips are no news
  AttentionLayout attention_;
  int64_t batch_;
  std::optional<Dit> dit_;
  std::optional<Vae> decoder_, encoder_;
};

// The world's view of a job's size.
WorldView ViewOf(const Job& job);

}  // namespace t3
