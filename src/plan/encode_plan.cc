// Rows counted back through the encoder, and sums over the shapes that it allocates.
#include "plan/encode_plan.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"

namespace t3 {
namespace {

constexpr int64_t kScoreBytes = int64_t{1} << 29;

// The map on which level `index` works, in a pass of four frames.
MapExtents ExtentsOf(const VaeLevels& levels, size_t index, const Grid& latent) {
  MapExtents map{VaeConfig::kTimeStride, latent.h, latent.w};
  for (size_t i = 0; i < index; ++i) map.frames /= levels[i].time_factor;
  for (size_t i = index; i < levels.size(); ++i) {
    map.height *= levels[i].space_factor;
    map.columns *= levels[i].space_factor;
  }
  return map;
}

PlannedEncoderLevel MakeLevel(const VaeLevel& arch, const MapExtents& map, const RowRange& output) {
  PlannedEncoderLevel level;
  level.arch = arch;
  level.map = map;
  level.output = output;
  RowRange needed = arch.resamples()
                        ? RowRange{2 * output.begin, std::min(2 * output.end + 1, map.height)}
                        : output;
  for (size_t block = level.blocks.size(); block-- > 0;) {
    level.blocks[block] = needed;
    needed = needed.Grown(2, map.height);
  }
  level.input = needed;
  return level;
}

EncoderSlab MakeSlab(const VaeConfig& config, const Grid& latent, const RowRange& output,
                     int64_t first_level_frames) {
  const VaeLevels levels = EncoderLevels(config);
  EncoderSlab slab{{}, output, {}};
  RowRange needed = output;
  for (size_t i = levels.size(); i-- > 0;) {
    MapExtents map = ExtentsOf(levels, i, latent);
    if (i == 0) map.frames = first_level_frames;
    slab.levels.insert(slab.levels.begin(), MakeLevel(levels[i], map, needed));
    needed = slab.levels.front().input;
  }
  slab.pixels = needed.Grown(1, slab.levels.front().map.height);
  return slab;
}

// The input convolution of a slab.
ConvShapes InputConv(const VaeConfig& config, const EncoderSlab& slab) {
  const PlannedEncoderLevel& first = slab.levels.front();
  return {.frames = first.map.frames,
          .rows = first.input.size(),
          .columns = first.map.columns,
          .in = PixelChannels(config),
          .out = first.arch.in};
}

// Calls f(shapes) for every causal convolution of a slab.
template <typename F>
void ForEachConv(const VaeConfig& config, const EncoderSlab& slab, F f) {
  f(InputConv(config, slab));
  for (const PlannedEncoderLevel& level : slab.levels) {
    for (size_t i = 0; i < level.blocks.size(); ++i) {
      const BlockShapes block = level.Block(i);
      f(block.conv1);
      f(block.conv2);
    }
    if (level.arch.time_factor > 1) f(level.Downsampler().TimeConv());
  }
}

// The output of the first level where it is assembled from runs of fewer frames than the pass has.
int64_t AssembledElements(const PlannedEncoderLevel& level) {
  if (level.arch.index > 0 || level.map.frames == VaeConfig::kTimeStride) return 0;
  return VaeConfig::kTimeStride * Elements(level.Downsampler().Halved()) / level.map.frames;
}

// The widest moment of a level.
int64_t LevelElements(const PlannedEncoderLevel& level) {
  const int64_t assembled = AssembledElements(level);
  const int64_t shortcut = level.arch.shortcut ? Elements(level.Block(0).input) : 0;
  int64_t widest = 0;
  for (size_t i = 0; i < level.blocks.size(); ++i) {
    const BlockShapes block = level.Block(i);
    widest =
        std::max(widest, assembled + shortcut + Elements(block.input) + block.WorkingElements());
  }
  if (!level.arch.resamples()) return widest;
  // 2.2 averages its input in copies.
  const DownsampleShapes down = level.Downsampler();
  const int64_t input = Elements(level.Block(level.blocks.size() - 1).conv2.Output());
  return std::max(widest, assembled + 3 * shortcut + input + down.WorkingElements());
}

int64_t WorkingElements(const EncoderSlab& slab) {
  int64_t widest = 0;
  for (const PlannedEncoderLevel& level : slab.levels) {
    widest = std::max(widest, LevelElements(level));
  }
  return widest;
}

VaeMemory CountEncodeMemory(const VaeConfig& config, int64_t element_bytes,
                            const EncodePlan& plan) {
  const Grid& latent = plan.latent;
  const MiddleShapes middle =
      MakeMiddleShapes({1, latent.h, latent.w}, EncoderLevels(config).back().out);
  VaeMemory memory;
  memory.buffered = Elements(middle.block.input) * latent.t * element_bytes;
  for (const EncoderSlab& slab : plan.slabs) {
    int64_t caches = 0;
    ForEachConv(config, slab, [&](const ConvShapes& conv) { caches += Elements(conv.Cache()); });
    memory.caches = std::max(memory.caches, caches * element_bytes);
    memory.working = std::max(memory.working, WorkingElements(slab) * element_bytes);
    // Four frames, of the rows that are read.
    memory.pixels = std::max(memory.pixels,
                             PixelBytes({VaeConfig::kTimeStride, slab.pixels.size(),
                                         slab.levels.front().map.columns, PixelChannels(config)}));
  }
  // With the cache of the head.
  const int64_t middle_bytes =
      (middle.Caches() + Elements(middle.block.conv1.Cache()) + middle.WorkingElements()) *
          element_bytes +
      2 * plan.score_bytes;
  memory.total = kVaeWorkspace + memory.buffered +
                 std::max(middle_bytes, memory.caches + memory.working + memory.pixels);
  return memory;
}

int64_t LargestTensor(const VaeConfig& config, const EncodePlan& plan) {
  int64_t largest = 0;
  for (const EncoderSlab& slab : plan.slabs) {
    ForEachConv(config, slab, [&](const ConvShapes& conv) {
      largest = std::max(largest, Elements(conv.Input()));
    });
  }
  return largest;
}

}  // namespace

BlockShapes PlannedEncoderLevel::Block(size_t index) const {
  return MakeBlockShapes(map, index == 0 ? input : blocks[index - 1], blocks[index],
                         index == 0 ? arch.in : arch.channels, arch.channels);
}

DownsampleShapes PlannedEncoderLevel::Downsampler() const {
  return {.frames = map.frames,
          .columns = map.columns,
          .channels = arch.channels,
          .output_rows = output.size(),
          .halves_time = arch.time_factor > 1};
}

EncodePlan MakeEncodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          int64_t slabs, int64_t first_level_frames, const RowRange& part) {
  const RowRange rows = part.size() > 0 ? part : RowRange{0, latent.h};
  T3_CHECK(slabs >= 1 && slabs <= rows.size(), "encode plan: {} slabs of {} latent rows", slabs,
           rows.size());
  T3_CHECK(first_level_frames == 1 || first_level_frames == VaeConfig::kTimeStride,
           "encode plan: {} frames at a time, wanted 1 or {}", first_level_frames,
           VaeConfig::kTimeStride);
  EncodePlan plan;
  plan.latent = latent;
  plan.part = rows;
  plan.score_bytes =
      std::min(kScoreBytes, latent.h * latent.w * latent.h * latent.w * element_bytes);
  for (int64_t i = 0; i < slabs; ++i) {
    const RowRange output{rows.begin + rows.size() * i / slabs,
                          rows.begin + rows.size() * (i + 1) / slabs};
    plan.slabs.push_back(MakeSlab(config, latent, output, first_level_frames));
  }
  plan.memory = CountEncodeMemory(config, element_bytes, plan);
  return plan;
}

std::optional<EncodePlan> FindEncodePlan(const VaeConfig& config, const Grid& latent,
                                         int64_t element_bytes, int64_t budget,
                                         const RowRange& part) {
  const int64_t rows = part.size() > 0 ? part.size() : latent.h;
  const auto fits = [&](const EncodePlan& plan) {
    return plan.memory.total <= budget && LargestTensor(config, plan) <= kMaxTensorElements;
  };
  EncodePlan plan = MakeEncodePlan(config, latent, element_bytes, 1, VaeConfig::kTimeStride, part);
  for (int64_t slabs = 1; !fits(plan) && slabs <= rows; ++slabs) {
    plan = MakeEncodePlan(config, latent, element_bytes, slabs, 1, part);
  }
  return fits(plan) ? std::optional(std::move(plan)) : std::nullopt;
}

EncodePlan PlanEncode(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                      int64_t budget) {
  const auto plan = FindEncodePlan(config, latent, element_bytes, budget);
  T3_CHECK(plan.has_value(),
           "encoding {} latent frames of {}x{} needs at least {} beside the weights, but {} are "
           "left; use a larger `memory-limit`",
           latent.t, latent.w, latent.h,
           FormatBytes(MakeEncodePlan(config, latent, element_bytes, latent.h, 1).memory.total),
           FormatBytes(std::max<int64_t>(budget, 0)));
  return *plan;
}

int64_t HeldFrameBytes(const VaeConfig& config, const EncodePlan& plan) {
  constexpr int64_t kCodeBytes = 2;
  const int64_t frames = VaeConfig::kTimeStride * (plan.latent.t - 1) + 1;
  const int64_t stride = config.spatial_stride();
  return 3 * frames * stride * stride * plan.latent.h * plan.latent.w * kCodeBytes;
}

EncodePlan PlanEncodePart(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          int64_t budget, int64_t part, int64_t parts) {
  T3_CHECK(parts <= latent.h, "encoding {} latent rows in {} parts; wanted at most one a row",
           latent.h, parts);
  std::optional<EncodePlan> tallest;
  for (int64_t i = 0; i < parts; ++i) {
    const RowRange rows{latent.h * i / parts, latent.h * (i + 1) / parts};
    auto plan = FindEncodePlan(config, latent, element_bytes, budget, rows);
    T3_CHECK(plan.has_value(),
             "encoding {} latent frames of {}x{} in {} parts does not fit {} beside the weights; "
             "use a larger `memory-limit`",
             latent.t, latent.w, latent.h, parts, FormatBytes(std::max<int64_t>(budget, 0)));
    if (!tallest || plan->slabs.size() > tallest->slabs.size()) tallest = std::move(plan);
  }
  return MakeEncodePlan(config, latent, element_bytes,
                        std::min<int64_t>(std::ssize(tallest->slabs), latent.h / parts),
                        tallest->slabs.front().levels.front().map.frames,
                        {latent.h * part / parts, latent.h * (part + 1) / parts});
}

}  // namespace t3
