// How the two VAEs name the layers of their levels.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "config/model_config.h"

namespace t3 {

inline constexpr int64_t kVaeLevels = 4;
inline constexpr int64_t kVaeEncoderBlocks = 2;  // residual blocks a level
inline constexpr int64_t kVaeDecoderBlocks = 3;

// Layer `index` of `level`: a residual block, or the resampler when index equals `blocks`. 2.1
// counts layers through all levels, 2.2 nests them. `stem` is "encoder.downsamples" or
// "decoder.upsamples".
inline std::string VaeLayerName(VaeVersion version, const std::string& stem, int64_t blocks,
                                int64_t level, int64_t index) {
  if (version == VaeVersion::k21) return fmt::format("{}.{}", stem, level * (blocks + 1) + index);
  return fmt::format("{}.{}.{}.{}", stem, level, stem.substr(stem.find('.') + 1), index);
}

}  // namespace t3
