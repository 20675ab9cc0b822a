// The networks that a model consists of.
#pragma once

#include <cstddef>

namespace t3 {

enum class ModelPart { kDit, kTextEncoder, kVae };

// "denoiser", "text encoder", "VAE"
constexpr const char* PartName(ModelPart part) {
  constexpr const char* kNames[] = {"denoiser", "text encoder", "VAE"};
  return kNames[static_cast<size_t>(part)];
}

// "`dit`", "`text-encoder`", "`vae`"
constexpr const char* PartOption(ModelPart part) {
  constexpr const char* kNames[] = {"`dit`", "`text-encoder`", "`vae`"};
  return kNames[static_cast<size_t>(part)];
}

}  // namespace t3
