// The VAE's table of tensors and how sizes and statistics are read.
#include "models/vae/tensors.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "config/presets.h"

namespace t3 {
namespace {

constexpr int64_t kLevels = 4;
constexpr int64_t kMultipliers[kLevels] = {1, 2, 4, 4};
constexpr int64_t kEncoderBlocks = 2;  // residual blocks a level
constexpr int64_t kDecoderBlocks = 3;

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

// Name of part `index` of `level`: 2.1 numbers the parts of all levels in one row.
std::string PartName(VaeVersion version, const std::string& list, int64_t level, int64_t index,
                     int64_t parts_a_level) {
  const std::string last = list.substr(list.find('.') + 1);
  return version == VaeVersion::k21 ? fmt::format("{}.{}", list, level * parts_a_level + index)
                                    : fmt::format("{}.{}.{}.{}", list, level, last, index);
}

void AddEncoder(TensorTable* table, const VaeConfig& c) {
  const int64_t dim = c.encoder_dim;
  AddConv(table, "encoder.conv1", dim, 3 * c.patch() * c.patch(), 3, 3);
  int64_t in = dim;
  for (int64_t level = 0; level < kLevels; ++level) {
    const int64_t out = dim * kMultipliers[level];
    const auto part = [&](int64_t index) {
      return PartName(c.version, "encoder.downsamples", level, index, kEncoderBlocks + 1);
    };
    for (int64_t block = 0; block < kEncoderBlocks; ++block) {
      AddResidual(table, part(block), out, block == 0 ? in : out);
    }
    if (level < kLevels - 1) {
      AddConv2d(table, part(kEncoderBlocks) + ".resample.1", out, out, 3);
      // Levels 1 and 2 halve time as well.
      if (level > 0) AddConv(table, part(kEncoderBlocks) + ".time_conv", out, out, 1, 3);
    }
    in = out;
  }
  AddMiddle(table, "encoder.middle", in);
  AddHead(table, "encoder.head", 2 * c.latent_channels, in);
}

void AddDecoder(TensorTable* table, const VaeConfig& c) {
  int64_t in = c.decoder_dim * kMultipliers[kLevels - 1];
  AddConv(table, "decoder.conv1", in, c.latent_channels, 3, 3);
  AddMiddle(table, "decoder.middle", in);
  for (int64_t level = 0; level < kLevels; ++level) {
    const int64_t out = c.decoder_dim * kMultipliers[kLevels - 1 - level];
    const auto part = [&](int64_t index) {
      return PartName(c.version, "decoder.upsamples", level, index, kDecoderBlocks + 1);
    };
    for (int64_t block = 0; block < kDecoderBlocks; ++block) {
      AddResidual(table, part(block), out, block == 0 ? in : out);
    }
    in = out;
    if (level == kLevels - 1) break;
    // 2.1 halves the channels where it doubles space.
    if (c.version == VaeVersion::k21) in = out / 2;
    AddConv2d(table, part(kDecoderBlocks) + ".resample.1", in, out, 3);
    // Levels 0 and 1 double time as well.
    if (level < 2) AddConv(table, part(kDecoderBlocks) + ".time_conv", 2 * out, out, 1, 3);
  }
  AddHead(table, "decoder.head", 3 * c.patch() * c.patch(), in);
}

std::vector<double> NumberList(const nlohmann::json& list, const std::string& name, int64_t size) {
  T3_CHECK(list.is_array() && static_cast<int64_t>(list.size()) == size,
           "{} must be a list of {} numbers, one a latent channel", name, size);
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
    return NumberList(nlohmann::json::parse(found->second, nullptr, /*allow_exceptions=*/false),
                      views.path + ": metadata t3." + key, size);
  }
  if (static_cast<int64_t>(published.size()) == size) return published;
  return std::vector<double>(static_cast<size_t>(size), otherwise);
}

}  // namespace

TensorTable VaeTensors(const VaeConfig& config) {
  TensorTable table;
  AddEncoder(&table, config);
  AddConv(&table, "conv1", 2 * config.latent_channels, 2 * config.latent_channels, 1, 1);
  AddConv(&table, "conv2", config.latent_channels, config.latent_channels, 1, 1);
  AddDecoder(&table, config);
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
