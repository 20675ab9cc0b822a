// Latents of clips of the synthetic world.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "loading/model_info.h"
#include "models/decoder/video_decoder.h"
#include "models/vae/vae.h"
#include "runtime/stage.h"
#include "training/dit/data_config.h"
#include "world/scene.h"

namespace t3 {

// Clip number `clip` of a world of `seed`. It has no held-out attributes.
WorldScene SceneOfClip(int64_t seed, int64_t clip);

// (clips,z,T,h,w) of a size.
std::vector<int64_t> LatentShape(const WorldLatentSize& size, const VaeConfig& vae);

// Renders clips of one size and encodes them.
class LatentRenderer {
 public:
  // Loads the VAE's encoder, for drafts its decoder as well.
  LatentRenderer(const WorldLatentSize& size, int64_t seed, const ModelInfo& model,
                 at::ScalarType dtype, const RunContext& context);

  // Clips `first`, ..., first + count - 1 together: (count,z,T,h,w) in model space.
  at::Tensor Render(int64_t first, int64_t count) const;

 private:
  at::Tensor EnlargedDrafts(const at::Tensor& videos) const;

  const WorldLatentSize& size_;
  int64_t seed_;
  const RunContext& context_;
  Vae vae_;
  std::unique_ptr<VideoDecoder> decoder_;  // of drafts
};

}  // namespace t3
