// Identifies the networks that encoded a prepared dataset.
#pragma once

#include <string>

#include "loading/model_info.h"

namespace t3 {

// Digests (XXH64) of contents, independent of the file's format and place. Computing them reads all
// weights.
struct ModelDigests {
  std::string vae;           // weights, latent mean and std
  std::string text_encoder;  // weights and tokenizer
  bool operator==(const ModelDigests&) const = default;
};

// Throws Error when the model has no VAE, text encoder or tokenizer.
ModelDigests DigestModel(const ModelInfo& model);

// Of the model's own decoder; empty where the VAE decodes.
std::string DigestDecoder(const ModelInfo& model);

}  // namespace t3
