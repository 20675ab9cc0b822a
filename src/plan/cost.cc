// Counting multiply-accumulates.
#include "plan/cost.h"

#include "arch/vae_levels.h"
#include "plan/partition.h"

namespace t3 {
namespace {

double Square(int64_t value) { return static_cast<double>(value) * static_cast<double>(value); }

// Sum of the squared window lengths on one axis.
double AxisSquares(int64_t size, int64_t count) {
  const int64_t large = size % count;
  const int64_t length = size / count;
  return static_cast<double>(large) * Square(length + 1) +
         static_cast<double>(count - large) * Square(length);
}

double ShiftedAxisSquares(int64_t size, int64_t count) {
  if (count == 1) return Square(size);
  double squares = 0;
  int64_t begin = 0;
  for (int64_t i = 1; i <= count; ++i) {
    const int64_t end = (2 * i - 1) * size / (2 * count);
    squares += Square(end - begin);
    begin = end;
  }
  return squares + Square(size - begin);
}

// Query-key pairs of one layer; `combine` computes coinciding partitions once.
double LayerPairs(AttentionPattern pattern, const WindowCycle& cycle, const Grid& grid,
                  int64_t layer, bool combine) {
  if (pattern == AttentionPattern::kFull) return Square(grid.tokens());
  const WindowCounts& counts =
      cycle[static_cast<size_t>(layer % static_cast<int64_t>(cycle.size()))];
  if (pattern == AttentionPattern::kSwin && layer % 2 == 1) return ShiftedWindowPairs(grid, counts);
  const bool twice = pattern == AttentionPattern::kT3 && !(combine && Coincide(grid, counts));
  return (twice ? 2 : 1) * WindowPairs(grid, counts);
}

// Walks through a half of the VAE at the size that each layer has.
class VaeMacs {
 public:
  explicit VaeMacs(const Grid& size) : size_(size) {}

  double Decode(const VaeConfig& config) {
    const VaeLevels levels = DecoderLevels(config);
    Conv(config.latent_channels, config.latent_channels, 1);
    Conv(config.latent_channels, levels.front().in, kTaps3d);
    Middle(levels.front().in);
    for (const VaeLevel& level : levels) DecoderLevel(level);
    Conv(levels.back().out, PixelChannels(config), kTaps3d);
    return total_;
  }

  double Encode(const VaeConfig& config) {
    const VaeLevels levels = EncoderLevels(config);
    Conv(PixelChannels(config), levels.front().in, kTaps3d);
    for (const VaeLevel& level : levels) EncoderLevel(level);
    Middle(levels.back().out);
    Conv(levels.back().out, 2 * config.latent_channels, kTaps3d);
    Conv(2 * config.latent_channels, 2 * config.latent_channels, 1);
    return total_;
  }

 private:
  static constexpr int64_t kTaps3d = 27, kTaps2d = 9, kTapsTime = 3;

  void Conv(int64_t in, int64_t out, int64_t taps) {
    total_ += static_cast<double>(in * out * taps * size_.tokens());
  }
  void Residual(int64_t in, int64_t out) {
    if (in != out) Conv(in, out, 1);
    Conv(in, out, kTaps3d);
    Conv(out, out, kTaps3d);
  }
  void Middle(int64_t channels) {
    Residual(channels, channels);
    Conv(channels, 4 * channels, 1);  // q, k, v and the projection
    total_ += 2.0 * static_cast<double>(size_.t * channels) * Square(size_.h * size_.w);
    Residual(channels, channels);
  }
  void Blocks(const VaeLevel& level) {
    for (int64_t i = 0; i < level.blocks; ++i) {
      Residual(i == 0 ? level.in : level.channels, level.channels);
    }
  }
  void DecoderLevel(const VaeLevel& level) {
    Blocks(level);
    if (level.time_factor > 1) {
      --size_.t;  // frame 0 is not doubled
      Conv(level.channels, 2 * level.channels, kTapsTime);
      size_.t = 2 * size_.t + 1;
    }
    if (!level.resamples()) return;
    size_.h *= level.space_factor;
    size_.w *= level.space_factor;
    Conv(level.channels, level.out, kTaps2d);
  }
  void EncoderLevel(const VaeLevel& level) {
    Blocks(level);
    if (!level.resamples()) return;
    size_.h /= level.space_factor;
    size_.w /= level.space_factor;
    Conv(level.channels, level.out, kTaps2d);
    if (level.time_factor == 1) return;
    size_.t = (size_.t - 1) / 2;  // frame 0 passes
    Conv(level.out, level.out, kTapsTime);
    ++size_.t;
  }

  Grid size_;
  double total_ = 0;
};

}  // namespace

double WindowPairs(const Grid& grid, const WindowCounts& counts) {
  return AxisSquares(grid.t, counts.t) * AxisSquares(grid.h, counts.h) *
         AxisSquares(grid.w, counts.w);
}

double ShiftedWindowPairs(const Grid& grid, const WindowCounts& counts) {
  return ShiftedAxisSquares(grid.t, counts.t) * ShiftedAxisSquares(grid.h, counts.h) *
         ShiftedAxisSquares(grid.w, counts.w);
}

DitCost CostOfForward(const DitConfig& config, AttentionPattern pattern, const WindowCycle& cycle,
                      const Grid& grid) {
  const double dim = static_cast<double>(config.dim);
  const double layers = static_cast<double>(config.num_layers);
  const double tokens = static_cast<double>(grid.tokens());
  const double pair = 2 * dim;  // scores and the weighted sum of values

  DitCost cost;
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    cost.attention += pair * LayerPairs(pattern, cycle, grid, layer, true);
    cost.attention_uncombined += pair * LayerPairs(pattern, cycle, grid, layer, false);
  }
  cost.full_attention = layers * pair * Square(grid.tokens());
  // Self-attention's q, k, v, o, cross-attention's q and o, and the FFN.
  const double block = 6 * dim * dim + 2 * dim * static_cast<double>(config.ffn_dim);
  const double ends = 2 * 4 * static_cast<double>(config.latent_channels) * dim;
  cost.linears = tokens * (layers * block + ends);
  cost.cross_attention = layers * pair * tokens * static_cast<double>(config.text_len);
  return cost;
}

double CostOfDecode(const VaeConfig& config, const Grid& latent) {
  return VaeMacs(latent).Decode(config);
}

double CostOfEncode(const VaeConfig& config, const Grid& latent) {
  const int64_t packed = config.spatial_stride() / config.patch();
  return VaeMacs(
             {VaeConfig::kTimeStride * (latent.t - 1) + 1, latent.h * packed, latent.w * packed})
      .Encode(config);
}

}  // namespace t3
