// By what a prepared dataset knows the networks that made it.
#pragma once

#include <string>

#include "pipeline/model_info.h"

namespace t3 {

// Of contents, whatever the file's format and place. Read all of the weights.
struct ModelDigests {
  std::string vae;           // weights, latent mean and std
  std::string text_encoder;  // weights and tokenizer
  bool operator==(const ModelDigests&) const = default;
};

// Throws Error when the model has no VAE, text encoder or tokenizer.
ModelDigests DigestModel(const ModelInfo& model);

}  // namespace t3
