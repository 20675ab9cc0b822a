// A model's files, opened and recognised, before any weight is loaded.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arch/naming.h"
#include "config/presets.h"
#include "loading/decoder_file.h"
#include "loading/distillation.h"
#include "loading/model_paths.h"
#include "loading/stage_loras.h"

namespace t3 {

// How the denoiser attends, and how that is known.
struct TrainedAttention {
  AttentionPattern pattern = AttentionPattern::kFull;
  bool known = false;   // from the file, the folder or the file's name; otherwise full is assumed
  std::string windows;  // the table it was trained with, as counts; empty: the planner's
};

struct ModelInfo {
  ModelPaths paths;
  std::vector<Lora> loras;  // files, not folders
  // Whether others, or none, were given in place of those that the folder's t3.json names.
  bool declines_own_loras = false;
  // Of each LoRA: where it comes from, its strength in words ("rank 16, alpha/rank 2") and the
  // attention that it was trained with, where its metadata say it.
  std::vector<LoraOrigin> lora_origins;
  std::vector<std::string> lora_strengths;
  std::vector<std::optional<AttentionPattern>> lora_attentions;
  NamedViews dit_views;   // empty when a VAE or text encoder was given alone
  NamedViews text_views;  // empty when the model has no text encoder
  NamedViews vae_views;   // empty when the model has no VAE
  DitConfig dit;
  std::optional<TextEncoderConfig> text;
  std::optional<VaeConfig> vae;
  std::optional<DecoderFile> decoder;  // absent: the VAE decodes
  TrainedAttention attention;
  GenerationDefaults defaults;
  bool names_size = false;  // whether the t3.json of the denoiser's folder has the defaults' size
  // What set defaults.sampling in place of the preset or t3.json, where something did.
  std::optional<Distillation> distilled;
  // The same model with the LoRAs that it refines clips with; nullptr: it does so with those above.
  std::shared_ptr<const ModelInfo> refiner;
};

// Whether the LoRAs that a folder's t3.json names count where none are given. They do where a model
// makes videos. Training, conversion and benchmarks take the weights as they are.
enum class FolderLoras { kIgnored, kApplied };

// Opens every file that was found, recognises it and reads its sizes. A denoiser's file may hold
// the other networks as well. Logs what was chosen or left out. Throws Error when a folder has no
// denoiser, a file is not what its place needs or is quantised, the parts do not fit each other
// (channels of denoiser, VAE and decoder, text width) or a LoRA does not fit. A VAE, decoder or
// text encoder may be given alone, for commands that use nothing else.
ModelInfo OpenModel(const ModelFiles& files, FolderLoras folder_loras = FolderLoras::kIgnored);

// The model that refines clips: `model` with the LoRAs for that.
const ModelInfo& RefinerOf(const ModelInfo& model);

// A note for each LoRA that comes from the folder, and for each that was trained with another
// attention than `run` uses.
std::vector<std::string> LoraNotes(const ModelInfo& model, AttentionPattern run);

// Throws Error of kind kUsage if the model has no denoiser, in which case its sizes are undefined.
void RequireDit(const ModelInfo& model);

// The sizes of the VAE, or of the released VAE with the denoiser's latent channels.
VaeConfig VaeOf(const ModelInfo& model);

// The network that decodes, and its file: the model's decoder where one was given, else the VAE.
DecoderConfig DecoderOf(const ModelInfo& model);
const std::string& DecoderPath(const ModelInfo& model);

}  // namespace t3
