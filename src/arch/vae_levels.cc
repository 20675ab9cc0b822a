// The two tables of levels and the names of their layers.
#include "arch/vae_levels.h"

#include <fmt/format.h>

namespace t3 {
namespace {

struct LevelRow {
  int64_t multiplier;  // channels in units of encoder_dim or decoder_dim
  int64_t space_factor;
  int64_t time_factor;
};
using LevelTable = std::array<LevelRow, kVaeLevels>;

constexpr LevelTable kEncoderTable{{{1, 2, 1}, {2, 2, 2}, {4, 2, 2}, {4, 1, 1}}};
constexpr LevelTable kDecoderTable{{{4, 2, 2}, {4, 2, 2}, {2, 2, 1}, {1, 1, 1}}};

VaeLevels MakeLevels(VaeVersion version, VaeHalf half, int64_t dim, int64_t in) {
  const bool decoder = half == VaeHalf::kDecoder, v22 = version == VaeVersion::k22;
  VaeLevels levels;
  for (size_t i = 0; i < levels.size(); ++i) {
    const LevelRow& row = (decoder ? kDecoderTable : kEncoderTable)[i];
    VaeLevel& level = levels[i];
    level.version = version;
    level.half = half;
    level.index = static_cast<int64_t>(i);
    level.in = in;
    level.channels = dim * row.multiplier;
    level.blocks = decoder ? kVaeDecoderBlocks : kVaeEncoderBlocks;
    level.space_factor = row.space_factor;
    level.time_factor = row.time_factor;
    // 2.1 halves the channels where it doubles space.
    level.out = decoder && !v22 && level.resamples() ? level.channels / 2 : level.channels;
    // The decoder's last level has no shortcut, the encoder's averages channels only.
    level.shortcut = v22 && (!decoder || level.resamples());
    in = level.out;
  }
  return levels;
}

}  // namespace

std::string VaeLevel::LayerName(int64_t layer) const {
  const bool decoder = half == VaeHalf::kDecoder;
  const char* list = decoder ? "upsamples" : "downsamples";
  const char* network = decoder ? "decoder" : "encoder";
  if (version == VaeVersion::k21) {
    return fmt::format("{}.{}.{}", network, list, index * (blocks + 1) + layer);
  }
  return fmt::format("{}.{}.{}.{}.{}", network, list, index, list, layer);
}

VaeLevels EncoderLevels(const VaeConfig& config) {
  return MakeLevels(config.version, VaeHalf::kEncoder, config.encoder_dim, config.encoder_dim);
}

VaeLevels DecoderLevels(const VaeConfig& config) {
  return MakeLevels(config.version, VaeHalf::kDecoder, config.decoder_dim,
                    config.decoder_dim * kDecoderTable.front().multiplier);
}

}  // namespace t3
