// Walks through the VAE as model.md 3 describes it.
#include "plan/vae_layers.h"

#include <array>
#include <cstddef>
#include <utility>

namespace t3 {
namespace {

constexpr int64_t kLevels = 4;
constexpr int64_t kEncoderBlocks = 2;
constexpr int64_t kDecoderBlocks = 3;
constexpr int64_t kTaps3d = 27;
constexpr int64_t kTaps2d = 9;
constexpr int64_t kTapsTime = 3;
constexpr std::array<int64_t, kLevels> kMultipliers{1, 2, 4, 4};

// Appends layers at the current channels and size.
class Walk {
 public:
  Walk(int64_t channels, const Grid& size) : channels_(channels), size_(size) {}

  void Conv(int64_t out, int64_t taps) {
    layers_.convs.push_back({channels_, out, taps, size_});
    channels_ = out;
  }
  void Norm() { layers_.norm_weights += channels_; }
  void Residual(int64_t out) {
    const int64_t in = channels_;
    if (in != out) layers_.convs.push_back({in, out, 1, size_});
    Norm();
    Conv(out, kTaps3d);
    Norm();
    Conv(out, kTaps3d);
  }
  void Middle() {
    Residual(channels_);
    Norm();
    layers_.attention_channels = channels_;
    layers_.attention_size = size_;
    layers_.convs.push_back({channels_, 3 * channels_, 1, size_});
    Conv(channels_, 1);
    Residual(channels_);
  }
  // Frame 0 takes no part in a time convolution.
  void DoubleTime() {
    layers_.convs.push_back({channels_, 2 * channels_, kTapsTime, {size_.t - 1, size_.h, size_.w}});
    size_.t = 2 * size_.t - 1;
  }
  void HalveTime() {
    size_.t = (size_.t + 1) / 2;
    layers_.convs.push_back({channels_, channels_, kTapsTime, {size_.t - 1, size_.h, size_.w}});
  }
  void DoubleSpace(int64_t out) {
    size_.h *= 2;
    size_.w *= 2;
    Conv(out, kTaps2d);
  }
  void HalveSpace() {
    size_.h /= 2;
    size_.w /= 2;
    Conv(channels_, kTaps2d);
  }
  int64_t channels() const { return channels_; }
  VaeLayers Finish() { return std::move(layers_); }

 private:
  VaeLayers layers_;
  int64_t channels_;
  Grid size_;
};

int64_t PixelChannels(const VaeConfig& config) { return 3 * config.patch() * config.patch(); }

}  // namespace

double VaeLayers::attention_macs() const {
  const double positions = static_cast<double>(attention_size.h * attention_size.w);
  return 2.0 * static_cast<double>(attention_size.t * attention_channels) * positions * positions;
}

int64_t VaeLayers::parameters() const {
  int64_t total = norm_weights;
  for (const VaeConv& conv : convs) total += conv.in * conv.out * conv.taps + conv.out;
  return total;
}

VaeLayers DecoderLayers(const VaeConfig& config, const Grid& latent) {
  Walk walk(config.latent_channels, latent);
  walk.Conv(config.latent_channels, 1);
  walk.Conv(config.decoder_dim * kMultipliers[kLevels - 1], kTaps3d);
  walk.Middle();
  for (int64_t level = 0; level < kLevels; ++level) {
    const int64_t out = config.decoder_dim * kMultipliers[static_cast<size_t>(kLevels - 1 - level)];
    for (int64_t i = 0; i < kDecoderBlocks; ++i) walk.Residual(out);
    if (level + 1 == kLevels) break;
    if (level < 2) walk.DoubleTime();
    walk.DoubleSpace(config.version == VaeVersion::k21 ? out / 2 : out);
  }
  walk.Norm();
  walk.Conv(PixelChannels(config), kTaps3d);
  return walk.Finish();
}

VaeLayers EncoderLayers(const VaeConfig& config, const Grid& latent) {
  Walk walk(PixelChannels(config),
            {VaeConfig::kTimeStride * (latent.t - 1) + 1, 8 * latent.h, 8 * latent.w});
  walk.Conv(config.encoder_dim, kTaps3d);
  for (int64_t level = 0; level < kLevels; ++level) {
    const int64_t out = config.encoder_dim * kMultipliers[static_cast<size_t>(level)];
    for (int64_t i = 0; i < kEncoderBlocks; ++i) walk.Residual(out);
    if (level + 1 == kLevels) break;
    walk.HalveSpace();
    if (level > 0) walk.HalveTime();
  }
  walk.Middle();
  walk.Norm();
  walk.Conv(2 * config.latent_channels, kTaps3d);
  walk.Conv(2 * config.latent_channels, 1);
  return walk.Finish();
}

}  // namespace t3
