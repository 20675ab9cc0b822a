// A model's files opened and understood, before any weight is loaded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arch/naming.h"
#include "config/presets.h"
#include "pipeline/model_paths.h"

namespace t3 {

// How the denoiser attends, and how that is known.
struct TrainedAttention {
  AttentionPattern pattern = AttentionPattern::kFull;
  bool known = false;   // said by the file, the folder or the file's name; else full is a guess
  std::string windows;  // the table it was trained with, as counts; empty: the planner's
};

struct ModelInfo {
  ModelPaths paths;
  std::vector<Lora> loras;
  NamedViews dit_views;   // empty when a VAE or text encoder was given alone
  NamedViews text_views;  // empty when the model has no text encoder
  NamedViews vae_views;   // empty when the model has no VAE
  DitConfig dit;
  std::optional<TextEncoderConfig> text;
  std::optional<VaeConfig> vae;
  TrainedAttention attention;
  GenerationDefaults defaults;
};

// Opens every file that was found, recognises it and reads its sizes. Throws Error when a
// folder has no DiT, a file is not what its place wants, or the parts do not fit each other
// (channels of DiT and VAE, text width). A VAE or text encoder may be given alone, for what needs
// no more.
ModelInfo OpenModel(const ModelFiles& files);

// Throws UsageError where the model has no denoiser; its sizes mean nothing then.
void RequireDit(const ModelInfo& model);

// The VAE's own sizes, or those of the VAE that models with `latent_channels` use.
VaeConfig VaeOf(const ModelInfo& model);

}  // namespace t3
