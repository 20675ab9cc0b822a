// Construction and forward pass of the decoder.
#include "models/vae/decoder.h"

#include <utility>

#include "models/vae/shortcut.h"

namespace t3 {

Decoder::Decoder(const VaeConfig& config, const TensorMap& tensors, const VaeLimits& limits)
    : input_(tensors, "decoder.conv1", limits.slab_elements),
      middle_(tensors, "decoder.middle", limits),
      norm_(tensors, "decoder.head.0", limits),
      output_(tensors, "decoder.head.2", limits.slab_elements) {
  for (const VaeLevel& arch : DecoderLevels(config)) levels_.emplace_back(tensors, arch, limits);
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
  // Referenced only where it is needed again: at 4K it can have 6 GB.
  const at::Tensor input = level.arch.shortcut ? x : at::Tensor();
  for (size_t i = 0; i < level.blocks.size(); ++i) x = level.blocks[i](x, state.blocks[i]);
  if (!level.resampler) return x;
  const bool first = !state.resampler.started;
  x = (*level.resampler)(x, state.resampler);
  if (level.arch.shortcut) AddDuplicated(x, input, level.arch.time_factor, first);
  return x;
}

}  // namespace t3
