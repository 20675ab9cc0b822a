// Topology of the causal video VAE as data: the levels of its encoder and decoder. The tensor
// table, the planner, the layers and the reference all loop over it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "config/model_config.h"

namespace t3 {

inline constexpr int64_t kVaeLevels = 4;
inline constexpr int64_t kVaeEncoderBlocks = 2;  // residual blocks per level
inline constexpr int64_t kVaeDecoderBlocks = 3;

enum class VaeHalf { kEncoder, kDecoder };

// Residual blocks, then in every level but the last a resampler: the decoder's doubles rows and
// columns (and frames), the encoder's halves them.
struct VaeLevel {
  VaeVersion version = VaeVersion::k21;
  VaeHalf half = VaeHalf::kDecoder;
  int64_t index = 0;         // in the order in which the half runs
  int64_t in = 0;            // channels of the input
  int64_t channels = 0;      // of the residual blocks' outputs
  int64_t out = 0;           // of the resampler's output
  int64_t blocks = 0;        // residual blocks
  int64_t space_factor = 1;  // of the resampler: 2, or 1 where there is none
  int64_t time_factor = 1;   // of the resampler: 2, or 1 where frames stay
  bool shortcut = false;     // 2.2: the level's input is resampled without weights and added

  bool resamples() const { return space_factor > 1; }
  // "decoder.upsamples.4": 2.1 numbers the layers of all levels consecutively, 2.2 nests them.
  std::string BlockName(int64_t block) const { return LayerName(block); }
  std::string ResamplerName() const { return LayerName(blocks); }
  bool operator==(const VaeLevel&) const = default;

 private:
  std::string LayerName(int64_t layer) const;
};

using VaeLevels = std::array<VaeLevel, kVaeLevels>;

// The encoder's last `out` and the decoder's first `in` are the channels of the middle block.
VaeLevels EncoderLevels(const VaeConfig& config);
VaeLevels DecoderLevels(const VaeConfig& config);

// Channels of packed pixels: 3, or 12 in 2.2.
inline int64_t PixelChannels(const VaeConfig& config) {
  return 3 * config.patch() * config.patch();
}

}  // namespace t3
