// The layers of a level, of the networks over whole frames and of the streaming ones.
#pragma once

#include <optional>
#include <vector>

#include "arch/vae_levels.h"
#include "nn/tensor_map.h"

namespace t3 {

// `Block` is a residual block, `Resampler` what doubles or halves space and time behind it.
template <typename Block, typename Resampler>
struct LevelLayers {
  // `more` goes to every layer.
  template <typename... More>
  LevelLayers(const TensorMap& tensors, const VaeLevel& level, const More&... more) : arch(level) {
    for (int64_t i = 0; i < arch.blocks; ++i) {
      blocks.emplace_back(tensors, arch.BlockName(i), more...);
    }
    if (arch.resamples()) resampler.emplace(tensors, arch, more...);
  }

  VaeLevel arch;
  std::vector<Block> blocks;
  std::optional<Resampler> resampler;  // none in the last level
};

}  // namespace t3
