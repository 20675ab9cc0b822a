// Sizes of the networks, read from a checkpoint or a preset.
#pragma once

#include <array>
#include <cstdint>
#include <variant>
#include <vector>

namespace t3 {

// Denoiser (model.md 1). Patch is always (1,2,2).
struct DitConfig {
  int64_t dim = 0;
  int64_t ffn_dim = 0;
  int64_t num_heads = 0;
  int64_t num_layers = 0;
  int64_t latent_channels = 0;  // z: 16 with VAE 2.1, 48 with VAE 2.2
  int64_t text_dim = 4096;
  int64_t text_len = 512;  // text rows that cross-attention attends to, padding included
  int64_t freq_dim = 256;  // width of the timestep sinusoid
  double eps = 1e-6;
  int64_t head_dim() const { return dim / num_heads; }
  bool operator==(const DitConfig&) const = default;
};

// The releases that a model derives from: they differ in the VAE, and so in everything that depends
// on its latents.
enum class ModelFamily { kWan21, kWan22 };

// By the channels of the latents; numbers of no release count as Wan2.1.
inline ModelFamily FamilyOf(int64_t latent_channels) {
  return latent_channels == 48 ? ModelFamily::kWan22 : ModelFamily::kWan21;
}

// UMT5 encoder (model.md 2).
struct TextEncoderConfig {
  int64_t dim = 0;
  int64_t ffn_dim = 0;
  int64_t num_heads = 0;
  int64_t attention_dim = 0;  // num_heads * head dim; dim in every released file
  int64_t num_layers = 0;
  int64_t vocab_size = 0;
  int64_t num_buckets = 32;
  double eps = 1e-6;
  bool operator==(const TextEncoderConfig&) const = default;
};

enum class VaeVersion { k21, k22 };

// Causal video VAE (model.md 3); arch/vae_levels.h has its levels.
struct VaeConfig {
  VaeVersion version = VaeVersion::k21;
  int64_t latent_channels = 16;
  int64_t encoder_dim = 96;  // 160 in 2.2
  int64_t decoder_dim = 96;  // 256 in 2.2
  std::vector<double> mean;  // latent_channels values; model space is (mu - mean) / std
  std::vector<double> std;
  int64_t patch() const { return version == VaeVersion::k22 ? 2 : 1; }
  int64_t spatial_stride() const { return 8 * patch(); }
  static constexpr int64_t kTimeStride = 4;
  bool operator==(const VaeConfig&) const = default;
};

// How the blocks of a TAEHV are built: kPlain of three 3x3 convolutions; kSuper, of the files with
// "super" in their names, of a 7x7 convolution per channel and two products.
enum class TaehvBlocks { kPlain, kSuper };

inline constexpr int64_t kTaehvStages = 3;

// TAEHV, a small network for the latents of a VAE (model.md 3); arch/taehv.h has its layers.
struct TaehvConfig {
  TaehvBlocks blocks = TaehvBlocks::kPlain;
  int64_t latent_channels = 16;
  int64_t patch = 1;  // the last convolution makes blocks of patch x patch pixels
  std::array<int64_t, kTaehvStages> widths{256, 128, 64};  // channels of each stage
  int64_t last_width = 64;                                 // channels before the last convolution
  // Frames that each stage's growing layer makes of one in the file; the last ones are used.
  std::array<int64_t, kTaehvStages> stored_growth{1, 2, 2};
  int64_t encoder_dim = 0;  // channels of the encoder; 0: the file has none
  // The network takes latents * std + mean; both empty: latents in model space, as they are.
  std::vector<double> mean = {};
  std::vector<double> std = {};
  int64_t spatial_stride() const { return 8 * patch; }
  bool operator==(const TaehvConfig&) const = default;
};

// The network that turns latents into frames.
using DecoderConfig = std::variant<VaeConfig, TaehvConfig>;

}  // namespace t3
