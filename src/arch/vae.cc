// Tensor table of the VAE; reading its sizes and statistics.
#include "arch/vae.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "base/json.h"
#include "config/presets.h"

namespace t3 {
namespace {

void AddConv(TensorTable* table, const std::string& name, int64_t out, int64_t in, int64_t kernel,
             int64_t time_kernel) {
  table->push_back({name + ".weight", {out, in, time_kernel, kernel, kernel}});
  table->push_back({name + ".bias", {out}});
}

void AddConv2d(TensorTable* table, const std::string& name, int64_t out, int64_t in,
               int64_t kernel) {
  table->push_back({name + ".weight", {out, in, kernel, kernel}});
  table->push_back({name + ".bias", {out}});
}

void AddResidual(TensorTable* table, const std::string& name, int64_t out, int64_t in) {
  table->push_back({name + ".residual.0.gamma", {in, 1, 1, 1}});
  AddConv(table, name + ".residual.2", out, in, 3, 3);
  table->push_back({name + ".residual.3.gamma", {out, 1, 1, 1}});
  AddConv(table, name + ".residual.6", out, out, 3, 3);
  if (out != in) AddConv(table, name + ".shortcut", out, in, 1, 1);
}

void AddMiddle(TensorTable* table, const std::string& name, int64_t dim) {
  AddResidual(table, name + ".0", dim, dim);
  table->push_back({name + ".1.norm.gamma", {dim, 1, 1}});
  AddConv2d(table, name + ".1.to_qkv", 3 * dim, dim, 1);
  AddConv2d(table, name + ".1.proj", dim, dim, 1);
  AddResidual(table, name + ".2", dim, dim);
}

void AddHead(TensorTable* table, const std::string& name, int64_t out, int64_t in) {
  table->push_back({name + ".0.gamma", {in, 1, 1, 1}});
  AddConv(table, name + ".2", out, in, 3, 3);
}

// Residual blocks and resampler of one level.
void AddLevel(TensorTable* table, const VaeLevel& level) {
  for (int64_t block = 0; block < level.blocks; ++block) {
    AddResidual(table, level.BlockName(block), level.channels,
                block == 0 ? level.in : level.channels);
  }
  if (!level.resamples()) return;
  const std::string name = level.ResamplerName();
  AddConv2d(table, name + ".resample.1", level.out, level.channels, 3);
  if (level.time_factor == 1) return;
  // The decoder makes two frames of one as twice the channels.
  const int64_t frames = level.half == VaeHalf::kDecoder ? 2 : 1;
  AddConv(table, name + ".time_conv", frames * level.channels, level.channels, 1, 3);
}

std::vector<double> NumberList(const nlohmann::json& list, const std::string& name, int64_t size) {
  T3_CHECK(list.is_array() && static_cast<int64_t>(list.size()) == size,
           "{} must be a list of {} numbers, one per latent channel", name, size);
  std::vector<double> values;
  for (const nlohmann::json& value : list) {
    T3_CHECK(value.is_number(), "{} must hold numbers only", name);
    values.push_back(value.get<double>());
  }
  return values;
}

std::vector<double> Statistics(const NamedViews& views, const nlohmann::json* config,
                               const std::string& key, int64_t size,
                               const std::vector<double>& published, double otherwise) {
  if (config != nullptr && config->is_object() && config->contains(key)) {
    return NumberList(config->at(key), key, size);
  }
  if (const auto found = views.metadata.find("t3." + key); found != views.metadata.end()) {
    return NumberList(ParseJson(found->second, views.path + ": metadata t3." + key),
                      views.path + ": metadata t3." + key, size);
  }
  if (static_cast<int64_t>(published.size()) == size) return published;
  return std::vector<double>(static_cast<size_t>(size), otherwise);
}

TensorTable EncoderTensors(const VaeConfig& config) {
  const VaeLevels levels = EncoderLevels(config);
  const int64_t moments = 2 * config.latent_channels;  // mean and log variance
  TensorTable table;
  AddConv(&table, "encoder.conv1", levels.front().in, PixelChannels(config), 3, 3);
  for (const VaeLevel& level : levels) AddLevel(&table, level);
  AddMiddle(&table, "encoder.middle", levels.back().out);
  AddHead(&table, "encoder.head", moments, levels.back().out);
  AddConv(&table, "conv1", moments, moments, 1, 1);
  return table;
}

TensorTable DecoderTensors(const VaeConfig& config) {
  const VaeLevels levels = DecoderLevels(config);
  TensorTable table;
  AddConv(&table, "conv2", config.latent_channels, config.latent_channels, 1, 1);
  AddConv(&table, "decoder.conv1", levels.front().in, config.latent_channels, 3, 3);
  AddMiddle(&table, "decoder.middle", levels.front().in);
  for (const VaeLevel& level : levels) AddLevel(&table, level);
  AddHead(&table, "decoder.head", PixelChannels(config), levels.back().out);
  return table;
}

}  // namespace

TensorTable VaeTensors(const VaeConfig& config, VaeHalf half) {
  return half == VaeHalf::kEncoder ? EncoderTensors(config) : DecoderTensors(config);
}

TensorTable VaeTensors(const VaeConfig& config) {
  TensorTable table = EncoderTensors(config);
  for (TensorSpec& spec : DecoderTensors(config)) table.push_back(std::move(spec));
  return table;
}

VaeVersion ReadVaeVersion(const TensorViews& stored) {
  for (const auto& [name, view] : stored) {
    const bool first =
        name.ends_with("encoder.conv1.weight") || name.ends_with("encoder.conv_in.weight");
    const bool last =
        name.ends_with("decoder.head.2.weight") || name.ends_with("decoder.conv_out.weight");
    if ((first || last) && view.shape.size() == 5 && view.shape[first ? 1 : 0] == 12) {
      return VaeVersion::k22;
    }
  }
  return VaeVersion::k21;
}

bool LooksLikeVae(const NamedViews& views) {
  for (const char* name :
       {"decoder.conv1.weight", "encoder.conv1.weight", "decoder.middle.1.to_qkv.weight",
        "encoder.middle.1.to_qkv.weight", "decoder.head.2.weight"}) {
    if (views.tensors.contains(name)) return true;
  }
  return false;
}

VaeConfig ReadVaeConfig(const NamedViews& views, const nlohmann::json* config) {
  const auto size = [&](const char* name, size_t dim) {
    return SizeOf(views.tensors, name, dim, "VAE");
  };
  VaeConfig result;
  result.version = ReadVaeVersion(views.tensors);
  result.latent_channels = size("conv2.weight", 0);
  result.encoder_dim = size("encoder.conv1.weight", 0);
  result.decoder_dim = size("decoder.head.2.weight", 1);
  result.mean = Statistics(views, config, "latents_mean", result.latent_channels,
                           LatentMean(result.version), 0);
  result.std = Statistics(views, config, "latents_std", result.latent_channels,
                          LatentStd(result.version), 1);
  for (double value : result.std) {
    T3_CHECK(value > 0, "{}: latents_std has the value {}; all must be positive", views.path,
             value);
  }
  return result;
}

Metadata VaeMetadata(const VaeConfig& config) {
  return {{"t3.latents_mean", nlohmann::json(config.mean).dump()},
          {"t3.latents_std", nlohmann::json(config.std).dump()}};
}

}  // namespace t3
