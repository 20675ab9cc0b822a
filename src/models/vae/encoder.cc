// Construction and forward pass of the encoder.
#include "models/vae/encoder.h"

#include <utility>

#include "models/vae/shortcut.h"

namespace t3 {

Encoder::Encoder(const VaeConfig& config, const TensorMap& tensors, const VaeLimits& limits)
    : input_(tensors, "encoder.conv1", limits.slab_elements),
      middle_(tensors, "encoder.middle", limits),
      norm_(tensors, "encoder.head.0", limits),
      output_(tensors, "encoder.head.2", limits.slab_elements) {
  for (const VaeLevel& arch : EncoderLevels(config)) levels_.emplace_back(tensors, arch, limits);
}

Encoder::State Encoder::NewState() const {
  State state;
  for (const Level& level : levels_) {
    state.levels.emplace_back().blocks.resize(level.blocks.size());
  }
  return state;
}

at::Tensor Encoder::operator()(const at::Tensor& x, State& state) const {
  at::Tensor y = input_(x, state.input);
  for (size_t i = 0; i < levels_.size(); ++i) {
    y = RunLevel(levels_[i], std::move(y), state.levels[i]);
  }
  y = middle_(y, state.middle);
  return output_(norm_.Silu(y), state.output);
}

at::Tensor Encoder::RunLevel(const Level& level, at::Tensor x, LevelState& state) const {
  const bool first = !state.resampler.started;
  const at::Tensor input = level.arch.shortcut ? x : at::Tensor();  // only where needed again
  for (size_t i = 0; i < level.blocks.size(); ++i) x = level.blocks[i](x, state.blocks[i]);
  if (level.resampler) x = (*level.resampler)(x, state.resampler);
  if (!level.arch.shortcut) return x;
  return x.add_(
      AverageDown(input, x.size(1), level.arch.time_factor, level.arch.space_factor, first));
}

}  // namespace t3
