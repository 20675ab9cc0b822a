// Assembling and running the encoder.
#include "models/vae/encoder.h"

#include <utility>

#include "models/vae/layer_names.h"
#include "models/vae/shortcut.h"

namespace t3 {

Encoder::Encoder(const VaeConfig& config, const TensorMap& tensors, const VaeLimits& limits)
    : shortcuts_(config.version == VaeVersion::k22),
      input_(tensors, "encoder.conv1", limits.slab_elements),
      middle_(tensors, "encoder.middle", limits),
      norm_(tensors, "encoder.head.0", limits),
      output_(tensors, "encoder.head.2", limits.slab_elements) {
  for (int64_t level = 0; level < kVaeLevels; ++level) {
    const auto name = [&](int64_t index) {
      return VaeLayerName(config.version, "encoder.downsamples", kVaeEncoderBlocks, level, index);
    };
    Level& layers = levels_.emplace_back();
    for (int64_t i = 0; i < kVaeEncoderBlocks; ++i) {
      layers.blocks.emplace_back(tensors, name(i), limits);
    }
    if (level + 1 < kVaeLevels) layers.down.emplace(tensors, name(kVaeEncoderBlocks), limits);
  }
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
  const bool first = !state.down.started;
  const at::Tensor input = shortcuts_ ? x : at::Tensor();  // kept only where it is needed again
  for (size_t i = 0; i < level.blocks.size(); ++i) x = level.blocks[i](x, state.blocks[i]);
  if (level.down) x = (*level.down)(x, state.down);
  if (!shortcuts_) return x;
  const int64_t time_factor = level.down ? level.down->time_factor() : 1;
  return x.add_(AverageDown(input, x.size(1), time_factor, level.down ? 2 : 1, first));
}

}  // namespace t3
