// Recognising TAEHV files and reading their sizes.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arch/taehv.h"
#include "base/check.h"
#include "base/json.h"
#include "config/presets.h"

namespace t3 {
namespace {

// Published files whose tensors are shaped as those of Wan's.
struct ForeignFile {
  const char* stem;
  const char* model;
};
constexpr ForeignFile kForeignFiles[] = {
    {"taehv", "HunyuanVideo"}, {"taecvx", "CogVideoX"}, {"taeos1_3", "Open-Sora 1.3"}};
// The distilled files of this name take latents that are not normalised.
constexpr const char* kUnnormalised = "lighttae";

std::string StemOf(const std::string& path) { return std::filesystem::path(path).stem().string(); }

bool Has(const NamedViews& views, const std::string& name, size_t rank) {
  const auto found = views.tensors.find(name);
  return found != views.tensors.end() && found->second.shape.size() == rank;
}

bool IsSuper(const NamedViews& views) { return Has(views, "decoder.1.conv.0.weight", 4); }

std::vector<double> StoredNumbers(const NamedViews& views, const std::string& key) {
  const auto found = views.metadata.find(key);
  if (found == views.metadata.end()) return {};
  const std::string where = views.path + ": metadata " + key;
  const nlohmann::json list = ParseJson(found->second, where);
  T3_CHECK(list.is_array() && std::all_of(list.begin(), list.end(),
                                          [](const auto& value) { return value.is_number(); }),
           "{} must be a list of numbers", where);
  return list.get<std::vector<double>>();
}

void ReadStatistics(const NamedViews& views, TaehvConfig* config) {
  config->mean = StoredNumbers(views, "t3.latents_mean");
  config->std = StoredNumbers(views, "t3.latents_std");
  const auto channels = static_cast<size_t>(config->latent_channels);
  if (config->mean.empty() && config->std.empty() &&
      StemOf(views.path).starts_with(kUnnormalised)) {
    const VaeConfig& vae = ReleaseOf(FamilyOf(config->latent_channels), false).vae;
    if (vae.mean.size() == channels) config->mean = vae.mean, config->std = vae.std;
  }
  T3_CHECK((config->mean.empty() && config->std.empty()) ||
               (config->mean.size() == channels && config->std.size() == channels),
           "{}: {} means and {} standard deviations of latents, wanted {} of each", views.path,
           config->mean.size(), config->std.size(), channels);
  for (const double value : config->std) {
    T3_CHECK(value > 0, "{}: a standard deviation of {}; all must be positive", views.path, value);
  }
}

int64_t PatchOf(int64_t outputs, const std::string& path) {
  for (int64_t patch = 1; 3 * patch * patch <= outputs; ++patch) {
    if (3 * patch * patch == outputs) return patch;
  }
  Fail("{}: the last convolution of a TAEHV has {} outputs, wanted 3 for each pixel of a square",
       path, outputs);
}

}  // namespace

const Naming& TaehvNaming() {
  static const Naming naming{
      .network = "TAEHV",
      .prefixes = {"taehv.", "tae.", "vae.", "first_stage_model.", "module."},
      .own = {},
      .foreign = {"model.diffusion_model.", "text_encoders."},
      .extras = {},
      .rules = {{"decoder.#", "decoder.#", "original"},
                {"encoder.#", "encoder.#", "original"},
                {"decoder.#.conv", "decoder.#.conv", "original"},
                {"encoder.#.conv", "encoder.#.conv", "original"},
                {"decoder.#.conv.#", "decoder.#.conv.#", "original"},
                {"encoder.#.conv.#", "encoder.#.conv.#", "original"}}};
  return naming;
}

bool LooksLikeTaehv(const NamedViews& views) {
  const bool blocks = IsSuper(views) || Has(views, "decoder.3.conv.0.weight", 4);
  return blocks || (Has(views, "decoder.1.weight", 4) && Has(views, "decoder.22.weight", 4));
}

TaehvConfig ReadTaehvConfig(const NamedViews& views) {
  const auto size = [&](const std::string& name, size_t dim) {
    return SizeOf(views.tensors, name, dim, "TAEHV");
  };
  TaehvConfig config;
  const bool super = IsSuper(views);
  config.blocks = super ? TaehvBlocks::kSuper : TaehvBlocks::kPlain;
  const TaehvDecoder names = TaehvDecoderOf(config);
  config.latent_channels = size(names.input + ".weight", 1);
  for (size_t i = 0; i < names.stages.size(); ++i) {
    const TaehvStage& stage = names.stages[i];
    config.widths[i] = size(stage.blocks[0] + (super ? ".conv.3.weight" : ".conv.4.weight"), 0);
    const int64_t grown = size(stage.grow + ".weight", 1);
    config.stored_growth[i] = size(stage.grow + ".weight", 0) / grown;
    T3_CHECK(config.stored_growth[i] >= stage.time_factor,
             "{}: {}.weight makes {} frames of one, wanted at least {}", views.path, stage.grow,
             config.stored_growth[i], stage.time_factor);
  }
  config.last_width = size(names.output + ".weight", 1);
  config.patch = PatchOf(size(names.output + ".weight", 0), views.path);
  if (views.tensors.contains("encoder.0.weight")) config.encoder_dim = size("encoder.0.weight", 0);
  ReadStatistics(views, &config);
  return config;
}

Metadata TaehvMetadata(const TaehvConfig& config) {
  if (config.mean.empty()) return {};
  return {{"t3.latents_mean", nlohmann::json(config.mean).dump()},
          {"t3.latents_std", nlohmann::json(config.std).dump()}};
}

std::string ForeignTaehv(const std::string& path) {
  const std::string stem = StemOf(path);
  for (const ForeignFile& file : kForeignFiles) {
    if (stem == file.stem) return file.model;
  }
  return "";
}

}  // namespace t3
