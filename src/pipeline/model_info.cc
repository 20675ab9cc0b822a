// Opening and recognising a model's files.
#include "pipeline/model_info.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "arch/dit.h"
#include "arch/text_encoder.h"
#include "arch/vae.h"
#include "base/check.h"
#include "base/mapped_file.h"
#include "plan/windows.h"
#include "base/json.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The JSON object in `path`; null where there is no file.
json ReadJsonObject(const std::string& path) {
  if (path.empty()) return nullptr;
  const MappedFile file(path);
  json document = ParseJson(file.bytes(), path);
  T3_CHECK(document.is_object(), "{} holds a JSON {}, wanted an object", path,
           document.type_name());
  return document;
}

const json* OrNull(const json& document) { return document.is_null() ? nullptr : &document; }

NamedViews OpenViews(const std::string& path, const Naming& naming,
                     bool (*looks_right)(const NamedViews&)) {
  NamedViews views = NameTensors(WeightFile::Open(path), naming);
  T3_CHECK(looks_right(views), "{} is no {}; `t3 inspect` says what it is", path, naming.network);
  return views;
}

// A field of t3.json, or `fallback` when it is absent. Throws Error for another type.
template <typename T>
T Field(const json& document, const char* key, const T& fallback, const std::string& path) {
  const auto found = document.find(key);
  if (found == document.end()) return fallback;
  try {
    return found->get<T>();
  } catch (const json::exception&) {
    Fail("{}: field \"{}\" is a JSON {}, which does not fit", path, key, found->type_name());
  }
}

void OverlayDefaults(GenerationDefaults& defaults, const json& document, const std::string& path) {
  defaults.width = Field(document, "width", defaults.width, path);
  defaults.height = Field(document, "height", defaults.height, path);
  defaults.frames = Field(document, "frames", defaults.frames, path);
  defaults.fps = Field(document, "fps", defaults.fps, path);
  defaults.negative_prompt = Field(document, "negative_prompt", defaults.negative_prompt, path);
  SamplingConfig& sampling = defaults.sampling;
  sampling.sampler =
      ParseSampler(Field(document, "sampler", std::string(SamplerName(sampling.sampler)), path));
  sampling.steps = Field(document, "steps", sampling.steps, path);
  sampling.guidance = Field(document, "guidance", sampling.guidance, path);
  sampling.shift = Field(document, "shift", sampling.shift, path);
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
      "--windows is needed",
      source, version, kPlannerVersion);
}

// Where the pattern is said, in this order: the file's metadata, the folder's t3.json (of its own
// DiT), the file's name.
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
    return {ParseAttention(Field(defaults, "attention", std::string(), path)), true,
            Field(defaults, "windows", std::string(), path)};
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
           "{} is a text encoder of width {}, but the denoiser {} wants {}",
           model.paths.text_encoder, model.text ? model.text->dim : 0, model.paths.dit,
           model.dit.text_dim);
}

}  // namespace

ModelInfo OpenModel(const ModelFiles& files) {
  const bool parts_alone = files.model.empty() && files.dit.empty();
  if (parts_alone && files.vae.empty() && files.text_encoder.empty()) {
    FailUsage(
        "no model was given; use --model DIR (a checkpoint's folder), --model demo, or --dit FILE");
  }
  ModelInfo model;
  model.loras = files.loras;
  model.paths = FindModelFiles(files);
  const ModelPaths& paths = model.paths;
  T3_CHECK(parts_alone || !paths.dit.empty(),
           "no denoiser was found in {}; wanted diffusion_pytorch_model*.safetensors there or in "
           "transformer/, or give --dit FILE",
           paths.folder);
  const json defaults = ReadJsonObject(paths.defaults);
  if (!parts_alone) {
    const json config = ReadJsonObject(paths.dit_config);
    model.dit_views = OpenViews(paths.dit, DitNaming(), LooksLikeDit);
    model.dit = ReadDitConfig(model.dit_views, OrNull(config));
  }
  if (!paths.text_encoder.empty()) {
    model.text_views = OpenViews(paths.text_encoder, TextEncoderNaming(), LooksLikeTextEncoder);
    model.text = ReadTextEncoderConfig(model.text_views);
  }
  if (!paths.vae.empty()) {
    const auto file = WeightFile::Open(paths.vae);
    model.vae_views = NameTensors(file, VaeNaming(ReadVaeVersion(file->tensors())));
    T3_CHECK(LooksLikeVae(model.vae_views), "{} is no VAE; `t3 inspect` says what it is",
             paths.vae);
    model.vae = ReadVaeConfig(model.vae_views, OrNull(defaults));
  }
  if (!parts_alone) {
    CheckFit(model);
    model.attention = FindAttention(model, defaults);
  }
  model.defaults = FindDefaults(model, defaults);
  return model;
}

void RequireDit(const ModelInfo& model) {
  if (model.dit_views.file == nullptr) {
    FailUsage(
        "this needs a denoiser, and parts of a model were given without one; add --model DIR "
        "or --dit FILE");
  }
}

VaeConfig VaeOf(const ModelInfo& model) {
  if (model.vae) return *model.vae;
  return ReleaseOf(FamilyOf(model.dit.latent_channels), /*t3=*/false).vae;
}

}  // namespace t3
