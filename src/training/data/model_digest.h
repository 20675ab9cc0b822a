// Identifies the files of a model by their contents.
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

// Empty where the model has no tokenizer.
std::string DigestTokenizer(const ModelInfo& model);

// Of the LoRAs' files, with their scales: "DIGEST x 0.5 + DIGEST x 1", or "none". Where the
// strength is in adapter_config.json beside the file, " by " and its digest follow. Reads all of
// the files.
std::string DigestLoras(const ModelInfo& model);

}  // namespace t3
