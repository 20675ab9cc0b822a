// Rows of every layer, counted back from the output.
#include "plan/decode_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "plan/decode_memory.h"

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

// Levels [first, end) such that the output of the last one is `output`.
PlannedSlab MakeSlab(const VaeConfig& config, const Grid& latent, int64_t latent_frames,
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

DecodePlan MakeDecodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          const DecodePlanOptions& options) {
  T3_CHECK(options.slabs >= 1 && options.slabs <= latent.h && options.latent_frames >= 1 &&
               options.whole_levels >= 0 && options.whole_levels < kVaeLevels &&
               (options.order == DecodeOrder::kFramesOuter || options.whole_levels == 0),
           "decode plan: {} slabs of {} latent rows, {} latent frames per pass, {} whole levels",
           options.slabs, latent.h, options.latent_frames, options.whole_levels);
  DecodePlan plan;
  plan.order = options.order;
  plan.latent = latent;
  plan.latent_frames = options.latent_frames;
  plan.score_bytes =
      std::min(options.score_bytes, latent.h * latent.w * latent.h * latent.w * element_bytes);
  const int64_t split = options.whole_levels;
  plan.whole = MakeSlab(config, latent, options.latent_frames, 0, split, {0, latent.h << split});
  const int64_t stride = config.spatial_stride() / config.patch();  // rows per latent row
  for (int64_t i = 0; i < options.slabs; ++i) {
    const RowRange rows{stride * (latent.h * i / options.slabs),
                        stride * (latent.h * (i + 1) / options.slabs)};
    plan.slabs.push_back(MakeSlab(config, latent, options.latent_frames, split, kVaeLevels, rows));
  }
  CountDecodeMemory(config, element_bytes, &plan);
  return plan;
}

std::string DescribeDecodePlan(const DecodePlan& plan) {
  const std::string slabs =
      fmt::format("{} slab{}", plan.slabs.size(), plan.slabs.size() == 1 ? "" : "s");
  std::string order = plan.order == DecodeOrder::kFramesOuter
                          ? fmt::format("whole frames in {}, {} latent frame{} per pass", slabs,
                                        plan.latent_frames, plan.latent_frames == 1 ? "" : "s")
                          : fmt::format("{} one after the other, each through all frames", slabs);
  if (plan.slabs.size() == 1) return order;
  return fmt::format("{}, {:.2f} times the work", order, RelativeWork(plan));
}

}  // namespace t3
