// A linear map from latents to colours, for pictures that cost nothing beside a step.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "pipeline/model_info.h"
#include "pipeline/stage.h"

namespace t3 {

struct PreviewMap {
  at::Tensor matrix;   // (3, z) fp64
  at::Tensor bias;     // (3) fp64
  double r2 = 0;       // share of the colours' variance that it explains, on pictures it was not
                       // fitted to
  std::string vae;     // FileDigest of the VAE it was fitted to
  std::string source;  // the pictures

  // latents (z,h,w) -> colours (3,h,w) in [-1,1], fp32.
  at::Tensor Apply(const at::Tensor& latents) const;
};

// Least squares: latents (n,z) and colours (n,3), any float dtype -> matrix and bias.
PreviewMap SolvePreview(const at::Tensor& latents, const at::Tensor& colours);

// Encodes pictures with the model's VAE, decodes them again, and fits the decoded colours, averaged
// over the pixels of a latent. The pictures are those of a video or a folder of PNG files, at most
// 32 of them, or drawn where `pictures` is empty. Throws Error where the model has no VAE.
PreviewMap FitPreviewMap(const ModelInfo& model, const std::string& pictures,
                         const RunContext& context);

// preview.json: the file appears complete or not at all.
void WritePreviewMap(const std::string& path, const PreviewMap& map);

// That of the model's folder, else of the user's cache folder, where it is of this very VAE; else
// it is fitted to drawn pictures now and kept in the cache.
PreviewMap LoadPreviewMap(const ModelInfo& model, const RunContext& context);

}  // namespace t3
