// Assembling and running the decoder.
#include "models/vae/decoder.h"

#include <utility>

#include "models/vae/layer_names.h"
#include "models/vae/shortcut.h"

namespace t3 {

Decoder::Decoder(const VaeConfig& config, const TensorMap& tensors, const VaeLimits& limits)
    : shortcuts_(config.version == VaeVersion::k22),
      input_(tensors, "decoder.conv1", limits.slab_elements),
      middle_(tensors, "decoder.middle", limits),
      norm_(tensors, "decoder.head.0", limits),
      output_(tensors, "decoder.head.2", limits.slab_elements) {
  for (int64_t level = 0; level < kVaeLevels; ++level) {
    const auto name = [&](int64_t index) {
      return VaeLayerName(config.version, "decoder.upsamples", kVaeDecoderBlocks, level, index);
    };
    Level& layers = levels_.emplace_back();
    for (int64_t i = 0; i < kVaeDecoderBlocks; ++i) {
      layers.blocks.emplace_back(tensors, name(i), limits);
    }
    if (level + 1 < kVaeLevels) layers.up.emplace(tensors, name(kVaeDecoderBlocks), limits);
  }
}

Decoder::State Decoder::NewState() const {
  State state;
  for (const Level& level : levels_) {
    state.levels.emplace_back().blocks.resize(level.blocks.size());
  }
  return state;
}

at::Tensor Decoder::operator()(const at::Tensor& z, State& state) const {
  at::Tensor x = middle_(input_(z, state.input), state.middle);
  for (size_t i = 0; i < levels_.size(); ++i) {
    x = RunLevel(levels_[i], std::move(x), state.levels[i]);
  }
  return output_(norm_.Silu(x), state.output);
}

at::Tensor Decoder::RunLevel(const Level& level, at::Tensor x, LevelState& state) const {
  // Kept only where it is needed again: at 4K it can be 6 GB.
  const at::Tensor input = shortcuts_ && level.up ? x : at::Tensor();
  for (size_t i = 0; i < level.blocks.size(); ++i) x = level.blocks[i](x, state.blocks[i]);
  if (!level.up) return x;
  const bool first = !state.up.started;
  x = (*level.up)(x, state.up);
  if (shortcuts_) AddDuplicated(x, input, level.up->time_factor(), first);
  return x;
}

}  // namespace t3
