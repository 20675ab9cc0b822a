// Reading the configuration of t3 init.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "base/json_fields.h"
#include "config/presets.h"
#include "plan/windows.h"
#include "tools/init.h"

namespace t3 {
namespace {

using nlohmann::json;

// A size, which the object must give unless a preset has given it.
void TakeSize(JsonFields& fields, const char* key, int64_t* value) {
  fields.TakeInteger(key, 1, INT32_MAX, value);
  T3_CHECK(*value >= 1, "{}: \"{}\" must be given", fields.where(), key);
}

// A list of numbers; its length is checked later.
void TakeNumbers(JsonFields& fields, const char* key, std::vector<double>* values) {
  const json* list = fields.Find(key);
  if (list == nullptr) return;
  T3_CHECK(list->is_array() && std::all_of(list->begin(), list->end(),
                                           [](const json& value) { return value.is_number(); }),
           "{}: \"{}\" is a {}, wanted a list of numbers", fields.where(), key, list->type_name());
  *values = list->get<std::vector<double>>();
}

DitConfig ParseDit(const json& object, DitConfig config, const std::string& source) {
  JsonFields fields(object, source);
  if (config.latent_channels == 0) config.latent_channels = 16;
  TakeSize(fields, "dim", &config.dim);
  TakeSize(fields, "ffn_dim", &config.ffn_dim);
  TakeSize(fields, "num_heads", &config.num_heads);
  TakeSize(fields, "num_layers", &config.num_layers);
  TakeSize(fields, "in_dim", &config.latent_channels);
  TakeSize(fields, "text_dim", &config.text_dim);
  TakeSize(fields, "text_len", &config.text_len);
  TakeSize(fields, "freq_dim", &config.freq_dim);
  fields.TakeNumber("eps", 0, 1, &config.eps);
  fields.CheckAllTaken();
  T3_CHECK(
      config.dim % config.num_heads == 0 && config.head_dim() % 2 == 0 && config.head_dim() >= 6,
      "{}: dim {} in {} heads: RoPE needs an even number of at least 6 channels a head", source,
      config.dim, config.num_heads);
  T3_CHECK(config.freq_dim % 2 == 0, "{}: freq_dim {} must be even", source, config.freq_dim);
  T3_CHECK(config.num_layers < 10000, "{}: {} layers", source, config.num_layers);
  return config;
}

TextEncoderConfig ParseText(const json& object, TextEncoderConfig config,
                            const std::string& source) {
  JsonFields fields(object, source);
  const bool had_attention_dim = config.attention_dim != 0 && !object.contains("dim");
  TakeSize(fields, "dim", &config.dim);
  TakeSize(fields, "ffn_dim", &config.ffn_dim);
  TakeSize(fields, "num_heads", &config.num_heads);
  if (!had_attention_dim) config.attention_dim = config.dim;
  TakeSize(fields, "attention_dim", &config.attention_dim);
  TakeSize(fields, "num_layers", &config.num_layers);
  TakeSize(fields, "vocab_size", &config.vocab_size);
  TakeSize(fields, "num_buckets", &config.num_buckets);
  fields.CheckAllTaken();
  T3_CHECK(config.attention_dim % config.num_heads == 0,
           "{}: attention_dim {} does not split into {} heads", source, config.attention_dim,
           config.num_heads);
  T3_CHECK(config.num_layers < 10000, "{}: {} layers", source, config.num_layers);
  return config;
}

void TakeStatistics(JsonFields& fields, const std::vector<double>& published, VaeConfig* config) {
  const auto size = static_cast<size_t>(config->latent_channels);
  const bool fits = published.size() == size;
  config->mean = fits ? LatentMean(config->version) : std::vector<double>(size, 0);
  config->std = fits ? LatentStd(config->version) : std::vector<double>(size, 1);
  TakeNumbers(fields, "latents_mean", &config->mean);
  TakeNumbers(fields, "latents_std", &config->std);
}

VaeConfig ParseVae(const json& object, const std::optional<VaeConfig>& preset,
                   const std::string& source) {
  JsonFields fields(object, source);
  std::string version = preset && preset->version == VaeVersion::k22 ? "2.2" : "2.1";
  fields.Take("version", &version);
  T3_CHECK(version == "2.1" || version == "2.2", "{}: version {} must be 2.1 or 2.2", source,
           version);
  VaeConfig config = FindPreset(version == "2.1" ? "wan2.1-1.3b" : "wan2.2-5b").vae;
  TakeSize(fields, "latent_channels", &config.latent_channels);
  TakeSize(fields, "encoder_dim", &config.encoder_dim);
  TakeSize(fields, "decoder_dim", &config.decoder_dim);
  TakeStatistics(fields, LatentMean(config.version), &config);
  fields.CheckAllTaken();
  const auto size = static_cast<size_t>(config.latent_channels);
  T3_CHECK(config.mean.size() == size && config.std.size() == size,
           "{}: latents_mean and latents_std need {} numbers", source, size);
  for (const double value : config.std) {
    T3_CHECK(value > 0, "{}: latents_std must be positive", source);
  }
  T3_CHECK(config.decoder_dim % 2 == 0 || config.version == VaeVersion::k22,
           "{}: decoder_dim {} must be even, because 2.1 halves channels", source,
           config.decoder_dim);
  return config;
}

// Sizes of the published files where they are left out.
TaehvConfig ParseTaehv(const json& object, const std::string& source) {
  JsonFields fields(object, source);
  TaehvConfig config;
  std::string blocks = "plain";
  fields.Take("blocks", &blocks);
  T3_CHECK(blocks == "plain" || blocks == "super", "{}: blocks {} must be plain or super", source,
           blocks);
  if (blocks == "super") {
    config.blocks = TaehvBlocks::kSuper;
    config.widths = {512, 256, 128};
  }
  TakeSize(fields, "latent_channels", &config.latent_channels);
  if (FamilyOf(config.latent_channels) == ModelFamily::kWan22) config.patch = 2;
  std::vector<double> widths(config.widths.begin(), config.widths.end());
  TakeNumbers(fields, "widths", &widths);
  T3_CHECK(widths.size() == config.widths.size() &&
               std::ranges::all_of(widths, [](double w) { return w >= 1 && w <= INT16_MAX; }),
           "{}: widths must be {} sizes", source, config.widths.size());
  std::ranges::transform(widths, config.widths.begin(),
                         [](double width) { return static_cast<int64_t>(width); });
  TakeSize(fields, "last_width", &config.last_width);
  fields.CheckAllTaken();
  return config;
}

InitConfig FromPreset(const ModelPreset& preset) {
  return {preset.dit, preset.text, preset.vae, std::nullopt, preset.attention, "", ""};
}

void CheckParts(const InitConfig& config, const std::string& source) {
  T3_CHECK(config.dit || config.text || config.vae || config.taehv, "{} names no network", source);
  T3_CHECK(!config.dit || !config.text || config.dit->text_dim == config.text->dim,
           "{}: text_dim of the DiT is {}, but the text encoder's dim is {}", source,
           config.dit ? config.dit->text_dim : 0, config.text ? config.text->dim : 0);
  T3_CHECK(!config.dit || !config.vae || config.dit->latent_channels == config.vae->latent_channels,
           "{}: in_dim of the DiT is {}, but the VAE has {} latent channels", source,
           config.dit ? config.dit->latent_channels : 0,
           config.vae ? config.vae->latent_channels : 0);
  T3_CHECK(
      !config.dit || !config.taehv || config.dit->latent_channels == config.taehv->latent_channels,
      "{}: in_dim of the DiT is {}, but the TAEHV has {} latent channels", source,
      config.dit ? config.dit->latent_channels : 0,
      config.taehv ? config.taehv->latent_channels : 0);
  T3_CHECK(config.windows.empty() || config.attention != AttentionPattern::kFull,
           "{}: windows with full attention", source);
  if (!config.windows.empty()) ParseWindows(config.windows);
}

// The part `key`: if absent, the preset's stays; null removes it.
template <typename Config, typename Parse>
void TakePart(JsonFields& fields, const char* key, std::optional<Config>* part,
              const Parse& parse) {
  const json* field = fields.Find(key);
  if (field == nullptr) return;
  if (field->is_null()) {
    part->reset();
  } else {
    *part = parse(*field);
  }
}

}  // namespace

InitConfig ParseInitConfig(const json& document, const std::string& folder,
                           const std::string& source) {
  JsonFields fields(document, source);
  InitConfig config;
  std::string preset;
  fields.Take("preset", &preset);
  if (!preset.empty()) config = FromPreset(FindPreset(preset));
  TakePart(fields, "dit", &config.dit, [&](const json& object) {
    return ParseDit(object, config.dit.value_or(DitConfig{}), source + ": dit");
  });
  TakePart(fields, "text_encoder", &config.text, [&](const json& object) {
    return ParseText(object, config.text.value_or(TextEncoderConfig{}), source + ": text_encoder");
  });
  TakePart(fields, "vae", &config.vae,
           [&](const json& object) { return ParseVae(object, config.vae, source + ": vae"); });
  TakePart(fields, "taehv", &config.taehv,
           [&](const json& object) { return ParseTaehv(object, source + ": taehv"); });
  std::string attention(AttentionName(config.attention));
  fields.Take("attention", &attention);
  config.attention = ParseAttention(attention);
  fields.Take("windows", &config.windows);
  fields.Take("tokenizer", &config.tokenizer);
  fields.CheckAllTaken();
  if (!config.tokenizer.empty()) {
    config.tokenizer = (std::filesystem::path(folder) / config.tokenizer).string();
  }
  CheckParts(config, source);
  return config;
}

InitConfig ReadInitConfig(const std::string& model) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(model, ignored)) {
    T3_CHECK(!model.ends_with(".json"), "{}: there is no such file", model);
    return FromPreset(FindPreset(model));
  }
  return ParseInitConfig(ReadJson(model), std::filesystem::path(model).parent_path().string(),
                         model);
}

}  // namespace t3
