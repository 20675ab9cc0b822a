// Opening and recognising a model's files.
#include "loading/model_info.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arch/decoder.h"
#include "arch/dit.h"
#include "arch/text_encoder.h"
#include "arch/vae.h"
#include "base/check.h"
#include "base/json.h"
#include "base/json_fields.h"
#include "base/log.h"
#include "base/text.h"
#include "loading/model_files.h"
#include "loading/model_layouts.h"
#include "loading/network.h"
#include "loading/sampling_json.h"
#include "nn/lora.h"
#include "plan/windows.h"
#include "weights/quantisation.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The JSON object in `path`; null where there is no file.
json ReadJsonObject(const std::string& path) {
  if (path.empty()) return nullptr;
  json document = ReadJson(path);
  T3_CHECK(document.is_object(), "{} holds a JSON {}, wanted an object", path,
           document.type_name());
  return document;
}

const json* OrNull(const json& document) { return document.is_null() ? nullptr : &document; }

std::shared_ptr<const WeightFile> OpenWeights(const std::string& path) {
  auto file = WeightFile::Open(path);
  CheckNotQuantised(file->tensors(), file->metadata(), path);
  for (const std::string& note : file->notes()) spdlog::info("{}: {}", path, note);
  return file;
}

NamedViews OpenViews(const std::string& path, const Naming& naming,
                     bool (*looks_right)(const NamedViews&)) {
  NamedViews views = NameTensors(OpenWeights(path), naming);
  T3_CHECK(looks_right(views), "{} is not a {}; `t3 inspect` says what it is", path,
           naming.network);
  for (const std::string& note : views.notes) spdlog::warn("{}: {}", path, note);
  return views;
}

void OverlayDefaults(GenerationDefaults& defaults, const json& document, const std::string& path) {
  constexpr int64_t kMaxSize = 1 << 20;
  JsonFields fields(document, path);
  fields.TakeInteger("width", 1, kMaxSize, &defaults.width);
  fields.TakeInteger("height", 1, kMaxSize, &defaults.height);
  fields.TakeInteger("frames", 1, kMaxSize, &defaults.frames);
  fields.TakeNumber("fps", 0, 1000, &defaults.fps);
  fields.Take("negative_prompt", &defaults.negative_prompt);
  fields.TakeNumber("strength", 0, 1, &defaults.strength);
  DraftDefaults draft;
  fields.TakeSize("draft", &draft.width, &draft.height);
  if (draft.width > 0) defaults.draft = draft;
  int64_t draft_steps = 0;
  fields.TakeInteger("draft_steps", 1, kMaxSamplingSteps, &draft_steps);
  T3_CHECK(defaults.draft || draft_steps == 0,
           "{}: \"draft_steps\" has no effect without \"draft\", the size of the draft", path);
  if (draft_steps > 0) defaults.draft->steps = draft_steps;
  TakeSampling(fields, defaults.sampling);
  // What others read (FindAttention, ChooseLoras, ReadVaeConfig).
  for (const char* field : {"attention", "windows", "planner", kLoraField, kRefinerLoraField,
                            "latents_mean", "latents_std"}) {
    fields.Find(field);
  }
  fields.CheckAllTaken();
  const bool says_how = document.contains("windows") || document.contains("planner");
  T3_CHECK(!says_how || document.contains("attention"),
           "{}: \"windows\" and \"planner\" have no effect without \"attention\"", path);
}

// Official releases of full-attention models go by these names.
bool IsOfficialName(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  return name.starts_with("diffusion_pytorch_model") || name.starts_with("wan2.1_t2v") ||
         name.starts_with("wan2.2_ti2v");
}

std::string MetadataValue(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

void CheckPlannerVersion(const std::string& version, const std::string& source) {
  if (version.empty() || version == std::to_string(kPlannerVersion)) return;
  Fail(
      "{} was trained with windows of planner version {}; this t3 has version {}, so a newer t3 or "
      "`windows` is needed",
      source, version, kPlannerVersion);
}

// The pattern is looked up in this order: the file's metadata, the folder's t3.json (for the
// folder's DiT only), the file's name.
TrainedAttention FindAttention(const ModelInfo& model, const json& defaults) {
  const Metadata& metadata = model.dit_views.metadata;
  const std::string in_file = MetadataValue(metadata, "t3.attention");
  if (!in_file.empty()) {
    CheckPlannerVersion(MetadataValue(metadata, "t3.planner"), model.paths.dit);
    return {ParseAttention(in_file), true, MetadataValue(metadata, "t3.windows")};
  }
  if (model.paths.dit_from_folder && defaults.is_object() && defaults.contains("attention")) {
    const std::string& path = model.paths.defaults;
    if (defaults.contains("planner")) CheckPlannerVersion(defaults["planner"].dump(), path);
    JsonFields fields(defaults, path);
    std::string attention;
    std::string windows;
    fields.Take("attention", &attention);
    fields.Take("windows", &windows);
    return {ParseAttention(attention), true, windows};
  }
  if (fs::path(model.paths.dit).filename().string().starts_with("T3-Video")) {
    return {AttentionPattern::kT3, true, ""};
  }
  return {AttentionPattern::kFull, IsOfficialName(model.paths.dit), ""};
}

GenerationDefaults FindDefaults(const ModelInfo& model, const json& document) {
  GenerationDefaults defaults;
  if (const ModelPreset* preset = MatchPreset(model.dit, model.attention.pattern)) {
    defaults = preset->defaults;
  } else {  // another size: the release with the same VAE
    const bool t3 = model.attention.pattern == AttentionPattern::kT3;
    defaults = ReleaseOf(FamilyOf(VaeOf(model).latent_channels), t3).defaults;
  }
  if (document.is_object()) OverlayDefaults(defaults, document, model.paths.defaults);
  return defaults;
}

void CheckFit(const ModelInfo& model) {
  T3_CHECK(
      !model.vae || model.vae->latent_channels == model.dit.latent_channels,
      "{} is a VAE with {} latent channels, but the denoiser {} has {}; give the VAE of the same "
      "model (Wan2.1 has 16, Wan2.2-TI2V-5B has 48)",
      model.paths.vae, model.vae ? model.vae->latent_channels : 0, model.paths.dit,
      model.dit.latent_channels);
  T3_CHECK(!model.text || model.text->dim == model.dit.text_dim,
           "{} is a text encoder of width {}, but the denoiser {} needs {}",
           model.paths.text_encoder, model.text ? model.text->dim : 0, model.paths.dit,
           model.dit.text_dim);
}

void CheckDecoderFit(const ModelInfo& model) {
  if (!model.decoder) return;
  const VaeConfig vae = VaeOf(model);
  if (model.dit_views.file != nullptr) {
    CheckDecoderFits(*model.decoder, model.dit.latent_channels, vae.spatial_stride(),
                     "the denoiser " + model.paths.dit);
  } else if (model.vae) {
    CheckDecoderFits(*model.decoder, vae.latent_channels, vae.spatial_stride(),
                     "the VAE " + model.paths.vae);
  }
}

void OpenDit(ModelInfo* model) {
  const json config = ReadJsonObject(model->paths.dit_config);
  model->dit_views = OpenViews(model->paths.dit, DitNaming(), LooksLikeDit);
  model->dit = ReadDitConfig(model->dit_views, OrNull(config));
  model->distilled = DistillationOfDit(*model->dit_views.file, model->dit.dim);
  // A file with all networks provides the parts that have no file.
  for (const NetworkKind kind : FindNetworks(model->dit_views.file)) {
    std::string* path = kind == NetworkKind::kTextEncoder ? &model->paths.text_encoder
                        : kind == NetworkKind::kVae       ? &model->paths.vae
                                                          : nullptr;
    if (path != nullptr && path->empty()) *path = model->paths.dit;
  }
}

void OpenOtherParts(const json& defaults, ModelInfo* model) {
  const ModelPaths& paths = model->paths;
  if (!paths.text_encoder.empty()) {
    model->text_views = OpenViews(paths.text_encoder, TextEncoderNaming(), LooksLikeTextEncoder);
    model->text = ReadTextEncoderConfig(model->text_views);
  }
  if (!paths.vae.empty()) {
    const auto file = OpenWeights(paths.vae);
    model->vae_views = NameTensors(file, VaeNaming(ReadVaeVersion(file->tensors())));
    T3_CHECK(LooksLikeVae(model->vae_views), "{} is not a VAE; `t3 inspect` says what it is",
             paths.vae);
    model->vae = ReadVaeConfig(model->vae_views, OrNull(defaults));
  }
  if (!paths.decoder.empty())
    model->decoder = OpenDecoderFile(paths.decoder, "`decoder`", OrNull(defaults));
}

// FILE:SCALE whose scale cannot be read is taken for a name as a whole.
std::string WhyNoLora(const std::string& path) {
  std::error_code ignored;
  const size_t colon = path.rfind(':');
  if (colon == std::string::npos || !fs::exists(path.substr(0, colon), ignored))
    return "there is no such file";
  return fmt::format("the scale {} is not a number", Quote(path.substr(colon + 1)));
}

void OpenLora(const ChosenLora& chosen, ModelInfo* model) {
  const Lora& lora = chosen.lora;
  std::error_code ignored;
  CheckLoraScale(lora);
  T3_CHECK(fs::exists(lora.path, ignored), "`{}` {}: {}",
           chosen.origin == LoraOrigin::kAdded ? "add-lora" : "lora", lora.path,
           WhyNoLora(lora.path));
  const std::string path = FindLoraFile(lora.path);
  const LoraFile file = ReadLora(WeightFile::Open(path), ModulesOf(DitNaming()));
  for (const std::string& note : file.notes) spdlog::warn("{}: {}", path, note);
  model->loras.push_back({path, lora.scale});
  model->lora_origins.push_back(chosen.origin);
  model->lora_strengths.push_back(DescribeLora(file));
  if (auto distilled = DistillationOfLora(*file.file, model->dit.dim); distilled && lora.scale != 0)
    model->distilled = std::move(distilled);
  const std::string trained = MetadataValue(file.file->metadata(), "t3.attention");
  model->lora_attentions.push_back(trained.empty() ? std::nullopt
                                                   : std::optional(ParseAttention(trained)));
}

// Errors about a LoRA that nobody gave say who named it.
void OpenFolderLora(const ChosenLora& chosen, ModelInfo* model) {
  try {
    OpenLora(chosen, model);
    LoraStack({{chosen.lora.path, chosen.lora.scale}}, DitTensors(model->dit), DitNaming());
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", chosen.named_by, error.what()), error.kind());
  }
}

// Opens the LoRAs, and settles what they decide: how the model is sampled.
ModelInfo WithLoras(ModelInfo model, const std::vector<ChosenLora>& loras, const json& t3_json) {
  for (const ChosenLora& chosen : loras)
    chosen.origin == LoraOrigin::kFolder ? OpenFolderLora(chosen, &model)
                                         : OpenLora(chosen, &model);
  ApplyDistillation(t3_json, model.paths.dit_from_folder, model.distilled, model.defaults);
  return model;
}

bool AreEqual(const std::vector<ChosenLora>& a, const std::vector<ChosenLora>& b) {
  return std::ranges::equal(a, b, {}, &ChosenLora::lora, &ChosenLora::lora);
}

}  // namespace

ModelInfo OpenModel(const ModelFiles& files, FolderLoras folder_loras) {
  const bool parts_alone = files.model.empty() && files.dit.empty();
  if (parts_alone && files.vae.empty() && files.decoder.empty() && files.text_encoder.empty()) {
    FailUsage(
        "no model was given; use `model` DIR (a checkpoint's folder), `model` demo, or `dit` FILE");
  }
  ModelInfo model;
  model.paths = FindModelFiles(files);
  T3_CHECK(parts_alone || !model.paths.dit.empty(),
           "no denoiser was found: {}; docs/guides/models.md says where to get models, or give "
           "`dit` FILE",
           DescribeSearch(model.paths.folder, ModelPart::kDit));
  const json defaults = ReadJsonObject(model.paths.defaults);
  if (!parts_alone) OpenDit(&model);
  OpenOtherParts(defaults, &model);
  if (!parts_alone) {
    CheckFit(model);
    model.attention = FindAttention(model, defaults);
  }
  CheckDecoderFit(model);
  model.defaults = FindDefaults(model, defaults);
  model.names_size = model.paths.dit_from_folder && defaults.is_object() &&
                     defaults.contains("width") && defaults.contains("height");
  const bool applies = folder_loras == FolderLoras::kApplied;
  model.declines_own_loras = applies && files.loras && NamesLoras(model.paths, defaults);
  const StageLoras loras = ChooseLoras(files, model.paths, applies ? defaults : json());
  ModelInfo opened = WithLoras(model, loras.generate, defaults);
  if (!AreEqual(loras.generate, loras.refine))
    opened.refiner = std::make_shared<const ModelInfo>(WithLoras(model, loras.refine, defaults));
  return opened;
}

const ModelInfo& RefinerOf(const ModelInfo& model) {
  return model.refiner ? *model.refiner : model;
}

std::vector<std::string> LoraNotes(const ModelInfo& model, AttentionPattern run) {
  std::vector<std::string> notes;
  for (size_t i = 0; i < model.loras.size(); ++i) {
    const std::string file = fs::path(model.loras[i].path).filename().string();
    if (model.lora_origins[i] == LoraOrigin::kFolder)
      notes.push_back(fmt::format("the LoRA {} is the model's own ({}); `lora` none leaves it out",
                                  file, fs::path(model.paths.defaults).filename().string()));
    const auto& trained = model.lora_attentions[i];
    if (!trained || *trained == run) continue;
    notes.push_back(fmt::format("the LoRA {} was trained with {} attention and runs with {}", file,
                                AttentionName(*trained), AttentionName(run)));
  }
  return notes;
}

void RequireDit(const ModelInfo& model) {
  if (model.dit_views.file == nullptr) {
    FailUsage(
        "this needs a denoiser, and parts of a model were given without one; add `model` DIR "
        "or `dit` FILE");
  }
}

VaeConfig VaeOf(const ModelInfo& model) {
  if (model.vae) return *model.vae;
  const bool alone = model.dit_views.file == nullptr && model.decoder;
  const int64_t channels =
      alone ? LatentChannels(model.decoder->config) : model.dit.latent_channels;
  return ReleaseOf(FamilyOf(channels), /*t3=*/false).vae;
}

DecoderConfig DecoderOf(const ModelInfo& model) {
  return model.decoder ? model.decoder->config : DecoderConfig(VaeOf(model));
}

const std::string& DecoderPath(const ModelInfo& model) {
  return model.decoder ? model.decoder->path : model.paths.vae;
}

}  // namespace t3
