// Base, dataset and samples of a denoiser's training.
#include "training/denoiser_training.h"

#include <filesystem>

#include "base/check.h"
#include "loading/load_models.h"
#include "training/data/prepare_settings.h"
#include "training/dit/model_folder.h"
#include "training/dit/prepare_when_missing.h"
#include "training/dit/samples.h"
#include "training/dit/world_latents.h"

namespace t3 {

namespace {

// SettingsOf says "`clips-per-video`", an option of t3 prepare; here it is a field.
std::string WithFields(std::string message) {
  bool in_name = false;
  for (char& c : message) {
    if (c == '`') {
      in_name = !in_name;
      c = '"';
    } else if (in_name && c == '-') {
      c = '_';
    }
  }
  return message;
}

// Of a dataset that the run makes: what PrepareWhenMissing would refuse.
void CheckVideos(const DitTrainConfig& config, const ModelInfo& model) {
  if (!config.data.videos || !model.vae) return;
  std::error_code ignored;
  T3_CHECK(std::filesystem::weakly_canonical(config.data.prepared, ignored) !=
               std::filesystem::weakly_canonical(config.output, ignored),
           "{}: data: \"prepared\" {} is \"output\" too; the dataset needs a folder of its own",
           config.source, config.data.prepared);
  try {
    SettingsOf(model, *config.data.videos);
  } catch (const Error& error) {
    Fail("{}: data: videos: {}", config.source, WithFields(error.what()));
  }
}

}  // namespace

ModelInfo OpenBase(const DitTrainConfig& config) {
  const ModelInfo model = OpenModel(config.model);
  RequireDit(model);
  CheckDit(model);
  if (config.train_text_encoder) CheckTextEncoder(model);
  CheckVideos(config, model);
  return model;
}

std::vector<const char*> WrittenFiles(const DitTrainConfig& config) {
  std::vector<const char*> names{kDitFile, "curves.svg", "t3.json"};
  if (config.lora) names.push_back("lora.safetensors");
  if (config.train_text_encoder) names.push_back(kTextEncoderFile);
  return names;
}

bool IsMadeFirst(const DitTrainConfig& config) {
  std::error_code ignored;
  return config.data.videos && !std::filesystem::exists(config.data.prepared, ignored);
}

std::unique_ptr<PreparedSource> FindDataset(const DitTrainConfig& config, const ModelInfo& model,
                                            PreparedDrafts drafts) {
  if (config.data.world || IsMadeFirst(config)) return nullptr;
  return std::make_unique<PreparedSource>(config.data.prepared, model, config, drafts);
}

std::string DataDigest(const DitTrainConfig& config, const ModelInfo& model,
                       const PreparedSource* dataset) {
  return dataset != nullptr ? dataset->Digest() : WorldLatentsDigest(*config.data.world, model);
}

std::optional<OutputFolder> BeginOutput(const DitTrainConfig& config, const RunContext& context,
                                        TrainRanks& ranks) {
  std::optional<OutputFolder> folder;
  ranks.First([&] {
    folder.emplace(config);
    if (config.data.videos) PrepareWhenMissing(config, context);
  });
  return folder;
}

std::unique_ptr<PreparedSource> OpenDataset(const DitTrainConfig& config, const ModelInfo& model,
                                            PreparedDrafts drafts) {
  if (config.data.world) return nullptr;
  return std::make_unique<PreparedSource>(config.data.prepared, model, config, drafts);
}

TrainHooks SampleHooks(const DitTrainConfig& config, const RunContext& context) {
  TrainHooks hooks;
  hooks.sample_every = config.samples.every_steps;
  hooks.samples_missing = [&config](int64_t step) { return SamplesMissing(config, step); };
  hooks.sample = [&](int64_t step, bool missing_only) {
    WriteSamples(config, step, missing_only, context);
  };
  return hooks;
}

}  // namespace t3
