// A linear map from latents to colours, for pictures that cost little compared with a step.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "loading/model_info.h"
#include "runtime/stage.h"

namespace t3 {

struct ColourMap {
  at::Tensor matrix;  // (3, z) fp64
  at::Tensor bias;    // (3) fp64
  double r2 = 0;      // share of the colours' variance that it explains, in clips that it was not
                      // fitted to

  // latents (z,h,w) -> colours (3,h,w) in [-1,1], fp32.
  at::Tensor Apply(const at::Tensor& latents) const;
};

// The causal VAE encodes the first frame alone and later ones by fours: latents of the two kinds
// have other statistics, and one map for both shows inverted colours in one of them.
struct PreviewMap {
  ColourMap first;     // of latent frame 0
  ColourMap later;     // of the others
  std::string vae;     // FileDigest of the VAE that it was fitted to
  std::string source;  // of the clips
};

// Least squares: latents (n,z) and colours (n,3), any float dtype -> matrix and bias.
ColourMap SolveColours(const at::Tensor& latents, const at::Tensor& colours);

// Encodes clips with the model's VAE, decodes them again, and fits the decoded colours, averaged
// over the pixels and frames of a latent. The clips are from a video or a folder of PNG frames, or
// drawn where `pictures` is empty. Throws Error where the model has no VAE.
PreviewMap FitPreviewMap(const ModelInfo& model, const std::string& pictures,
                         const RunContext& context);

// Writes preview.json atomically.
void WritePreviewMap(const std::string& path, const PreviewMap& map);

// The map in the model's folder, otherwise the one in the user's cache folder, if it belongs to
// this VAE; otherwise fits one to drawn clips and caches it. A preview is worth no run: damaged
// maps, a cache that cannot be written and failures to fit (out of memory, no VAE) are warnings,
// the last with nullopt. Throws Error of kind kInterrupted alone.
std::optional<PreviewMap> LoadPreviewMap(const ModelInfo& model, const RunContext& context);

}  // namespace t3
