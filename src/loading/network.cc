// Recognising networks by their tensors.
#include "loading/network.h"

#include <filesystem>

#include "arch/dit.h"
#include "arch/taehv.h"
#include "arch/text_encoder.h"
#include "arch/vae.h"
#include "base/check.h"
#include "base/json.h"
#include "config/presets.h"

namespace t3 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// The config.json in the folder of `path`; null where there is none.
json ConfigBeside(const std::string& path) {
  const auto beside = std::filesystem::path(path).parent_path() / "config.json";
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(beside, ignored)) return nullptr;
  return ReadJson(beside.string());
}

void DescribeDit(const json* config, Network* network) {
  const DitConfig c = ReadDitConfig(network->views, config);
  network->table = DitTensors(c);
  network->metadata = DitMetadata(c);
  network->sizes = {{"dim", c.dim},
                    {"ffn_dim", c.ffn_dim},
                    {"num_heads", c.num_heads},
                    {"num_layers", c.num_layers},
                    {"latent_channels", c.latent_channels},
                    {"text_dim", c.text_dim},
                    {"text_len", c.text_len},
                    {"freq_dim", c.freq_dim},
                    {"eps", c.eps}};
  for (const ModelPreset& preset : Presets()) {
    if (preset.dit == c && network->preset.empty()) network->preset = preset.name;
  }
}

void DescribeText(Network* network) {
  const TextEncoderConfig c = ReadTextEncoderConfig(network->views);
  network->table = TextEncoderTensors(c);
  network->sizes = {{"dim", c.dim},
                    {"ffn_dim", c.ffn_dim},
                    {"num_heads", c.num_heads},
                    {"attention_dim", c.attention_dim},
                    {"num_layers", c.num_layers},
                    {"vocab_size", c.vocab_size},
                    {"num_buckets", c.num_buckets}};
  if (Presets().front().text == c) network->preset = "umt5-xxl";
}

void DescribeVae(const json* config, Network* network) {
  const VaeConfig c = ReadVaeConfig(network->views, config);
  network->table = VaeTensors(c);
  network->metadata = VaeMetadata(c);
  const char* version = c.version == VaeVersion::k21 ? "2.1" : "2.2";
  network->sizes = {{"version", version},
                    {"latent_channels", c.latent_channels},
                    {"encoder_dim", c.encoder_dim},
                    {"decoder_dim", c.decoder_dim},
                    {"spatial_stride", int64_t{c.spatial_stride()}},
                    {"time_stride", int64_t{VaeConfig::kTimeStride}}};
  for (const ModelPreset& preset : Presets()) {
    if (preset.vae == c) network->preset = fmt::format("wan{}-vae", version);
  }
}

// The published file whose decoder has these sizes.
std::string PublishedTaehv(const TaehvConfig& config) {
  const bool super = config.blocks == TaehvBlocks::kSuper;
  TaehvConfig published{.blocks = config.blocks, .latent_channels = config.latent_channels};
  if (super) published.widths = {512, 256, 128};
  if (config.latent_channels == 48) published.patch = 2;
  const bool same = config.patch == published.patch && config.widths == published.widths &&
                    config.last_width == published.last_width;
  if (!same) return "";
  if (config.latent_channels == 16) return super ? "" : "taew2_1";
  if (config.latent_channels == 48) return super ? "taew2_2_super" : "taew2_2";
  return "";
}

void DescribeTaehv(Network* network) {
  const TaehvConfig c = ReadTaehvConfig(network->views);
  network->table = TaehvTensors(c);
  network->metadata = TaehvMetadata(c);
  network->sizes = {{"blocks", std::string(c.blocks == TaehvBlocks::kPlain ? "plain" : "super")},
                    {"latent_channels", c.latent_channels},
                    {"widths", std::vector<int64_t>(c.widths.begin(), c.widths.end())},
                    {"spatial_stride", int64_t{c.spatial_stride()}},
                    {"time_stride", int64_t{VaeConfig::kTimeStride}},
                    {"encoder", c.encoder_dim > 0},
                    {"latents", std::string(c.mean.empty() ? "normalised" : "not normalised")}};
  network->preset = PublishedTaehv(c);
}

}  // namespace

std::string_view NetworkName(NetworkKind kind) {
  switch (kind) {
    case NetworkKind::kDit:
      return "DiT";
    case NetworkKind::kTextEncoder:
      return "text encoder";
    case NetworkKind::kVae:
      return "VAE";
    case NetworkKind::kTaehv:
      return "TAEHV";
  }
  return "unknown";
}

const Naming& NamingOf(NetworkKind kind, const TensorViews& stored) {
  switch (kind) {
    case NetworkKind::kDit:
      return DitNaming();
    case NetworkKind::kTextEncoder:
      return TextEncoderNaming();
    case NetworkKind::kTaehv:
      return TaehvNaming();
    case NetworkKind::kVae:
      break;
  }
  return VaeNaming(ReadVaeVersion(stored));
}

std::vector<NetworkKind> FindNetworks(const std::shared_ptr<const WeightFile>& file) {
  std::vector<NetworkKind> kinds;
  const auto named = [&](NetworkKind kind) {
    return NameTensors(file, NamingOf(kind, file->tensors()));
  };
  if (LooksLikeDit(named(NetworkKind::kDit))) kinds.push_back(NetworkKind::kDit);
  if (LooksLikeTextEncoder(named(NetworkKind::kTextEncoder))) {
    kinds.push_back(NetworkKind::kTextEncoder);
  }
  if (LooksLikeVae(named(NetworkKind::kVae))) kinds.push_back(NetworkKind::kVae);
  if (LooksLikeTaehv(named(NetworkKind::kTaehv))) kinds.push_back(NetworkKind::kTaehv);
  return kinds;
}

Network OpenNetwork(const std::shared_ptr<const WeightFile>& file, NetworkKind kind) {
  Network network;
  network.kind = kind;
  network.views = NameTensors(file, NamingOf(kind, file->tensors()));
  const json config = ConfigBeside(file->path());
  const json* beside = config.is_object() ? &config : nullptr;
  // In an official folder config.json describes the DiT, not the VAE beside it; statistics are read
  // only if their keys are present.
  if (kind == NetworkKind::kDit) DescribeDit(beside, &network);
  if (kind == NetworkKind::kTextEncoder) DescribeText(&network);
  if (kind == NetworkKind::kVae) DescribeVae(beside, &network);
  if (kind == NetworkKind::kTaehv) DescribeTaehv(&network);
  return network;
}

}  // namespace t3
