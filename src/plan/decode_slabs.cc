// Rows of every layer, counted back from the output.
#include "plan/decode_slabs.h"

#include <algorithm>

namespace t3 {
namespace {

// The map on which level `index` works, before its upsampler.
MapExtents ExtentsOf(const VaeLevels& levels, size_t index, const Grid& latent,
                     int64_t latent_frames) {
  MapExtents map{latent_frames, latent.h, latent.w};
  for (size_t i = 0; i < index; ++i) {
    map.frames *= levels[i].time_factor;
    map.height *= levels[i].space_factor;
    map.columns *= levels[i].space_factor;
  }
  return map;
}

// The level whose output is rows `output`.
PlannedLevel MakeLevel(const VaeConfig& config, const VaeLevel& arch, const MapExtents& map,
                       const RowRange& output) {
  PlannedLevel level;
  level.arch = arch;
  level.head_channels = arch.resamples() ? 0 : PaddedChannels(PixelChannels(config));
  level.map = map;
  level.output = output;
  // The head reads one more row on each side; so does the upsampler, on the doubled grid.
  RowRange needed = arch.resamples() ? RowRange{std::max<int64_t>(output.begin - 1, 0) / 2,
                                                std::min(output.end / 2 + 1, map.height)}
                                     : output.Grown(1, map.height);
  for (size_t block = level.blocks.size(); block-- > 0;) {
    level.blocks[block] = needed;
    needed = needed.Grown(2, map.height);  // two convolutions of one row each
  }
  level.input = needed;
  return level;
}

}  // namespace

BlockShapes PlannedLevel::Block(size_t index) const {
  return MakeBlockShapes(map, index == 0 ? input : blocks[index - 1], blocks[index],
                         index == 0 ? arch.in : arch.channels, arch.channels);
}

UpsampleShapes PlannedLevel::Upsampler() const {
  return {.frames = map.frames,
          .rows = blocks.back().size(),
          .columns = map.columns,
          .channels = arch.channels,
          .out = arch.out,
          .output_rows = output.size(),
          .doubles_time = arch.time_factor > 1};
}

ConvShapes PlannedLevel::Head() const {
  return {.frames = map.frames,
          .rows = output.size(),
          .columns = map.columns,
          .in = arch.channels,
          .out = head_channels};
}

PlannedSlab MakeDecoderSlab(const VaeConfig& config, const Grid& latent, int64_t latent_frames,
                            int64_t first, int64_t end, const RowRange& output) {
  const VaeLevels levels = DecoderLevels(config);
  PlannedSlab slab{output, output, {}};
  for (int64_t i = end; i-- > first;) {
    const auto index = static_cast<size_t>(i);
    const MapExtents map = ExtentsOf(levels, index, latent, latent_frames);
    slab.levels.insert(slab.levels.begin(), MakeLevel(config, levels[index], map, slab.input));
    slab.input = slab.levels.front().input;
  }
  return slab;
}

}  // namespace t3
