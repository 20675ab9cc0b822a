// Sums over the shapes that the streaming decoder allocates.
#include "plan/decode_memory.h"

#include <algorithm>

namespace t3 {
namespace {

// Calls f(shapes) for every causal convolution of a level.
template <typename F>
void ForEachConv(const PlannedLevel& level, F f) {
  for (size_t i = 0; i < level.blocks.size(); ++i) {
    const BlockShapes block = level.Block(i);
    f(block.conv1);
    f(block.conv2);
  }
  if (!level.arch.resamples()) f(level.Head());
  if (level.arch.time_factor > 1) f(level.Upsampler().TimeConv());
}

int64_t CacheElements(const PlannedSlab& slab) {
  int64_t elements = 0;
  for (const PlannedLevel& level : slab.levels) {
    ForEachConv(level, [&](const ConvShapes& conv) { elements += Elements(conv.Cache()); });
  }
  return elements;
}

// The widest moment of a level, its input included.
int64_t LevelElements(const PlannedLevel& level) {
  // The shortcut needs the level's input until the end.
  const int64_t shortcut = level.arch.shortcut ? Elements(level.Block(0).input) : 0;
  int64_t widest = 0;
  for (size_t i = 0; i < level.blocks.size(); ++i) {
    const BlockShapes block = level.Block(i);
    const int64_t input = i == 0 && level.arch.shortcut ? 0 : Elements(block.input);
    widest = std::max(widest, input + block.WorkingElements());
  }
  if (level.arch.resamples())
    return shortcut + std::max(widest, level.Upsampler().WorkingElements());
  const ConvShapes head = level.Head();
  const int64_t input = Elements(level.Block(level.blocks.size() - 1).conv2.Output());
  return shortcut + std::max(widest, input + Elements(head.Input()) + Elements(head.Output()));
}

int64_t WorkingElements(const PlannedSlab& slab) {
  int64_t widest = 0;
  for (const PlannedLevel& level : slab.levels) widest = std::max(widest, LevelElements(level));
  return widest;
}

int64_t LargestTensor(const PlannedSlab& slab) {
  int64_t largest = 0;
  const auto add = [&](const MapShape& shape) { largest = std::max(largest, Elements(shape)); };
  for (const PlannedLevel& level : slab.levels) {
    ForEachConv(level, [&](const ConvShapes& conv) { add(conv.Input()); });
    if (!level.arch.resamples()) {
      add(level.Head().Output());
      continue;
    }
    if (level.arch.time_factor > 1) add(level.Upsampler().Doubled());
    add(level.Upsampler().Phases());
  }
  return largest;
}

// Input convolution and middle block on whole frames.
struct MiddleElements {
  int64_t caches = 0;
  int64_t working = 0;
  int64_t output = 0;  // of one pass
};

MiddleElements CountMiddle(const VaeConfig& config, const Grid& latent, int64_t latent_frames) {
  const MiddleShapes middle =
      MakeMiddleShapes({latent_frames, latent.h, latent.w}, DecoderLevels(config).front().in);
  ConvShapes input = middle.block.conv1;
  input.in = PaddedChannels(config.latent_channels);
  return {Elements(input.Cache()) + middle.Caches(), middle.WorkingElements(),
          Elements(middle.block.input)};
}

// Of one pass of a slab: the head's output and the pixels.
int64_t HeadBytes(const PlannedSlab& slab, int64_t element_bytes, const VaeConfig& config) {
  const ConvShapes head = slab.levels.back().Head();
  return Elements(head.Output()) * element_bytes +
         PixelBytes({head.frames, head.rows, head.columns, PixelChannels(config)});
}

}  // namespace

VaeMemory CountDecodeMemory(const VaeConfig& config, int64_t element_bytes,
                            const DecodePlan& plan) {
  const Grid& latent = plan.latent;
  const MiddleElements middle = CountMiddle(config, latent, plan.latent_frames);
  const int64_t middle_working = middle.working * element_bytes + 2 * plan.score_bytes;
  int64_t all_caches = 0, largest_caches = 0, working = 0, pixels = 0;
  for (const PlannedSlab& slab : plan.slabs) {
    const int64_t caches = CacheElements(slab) * element_bytes;
    all_caches += caches;
    largest_caches = std::max(largest_caches, caches);
    working = std::max(working, WorkingElements(slab) * element_bytes);
    pixels = std::max(pixels, HeadBytes(slab, element_bytes, config));
  }
  VaeMemory memory;
  if (plan.order == DecodeOrder::kSlabsOuter) {
    memory.buffered = middle.output / plan.latent_frames * latent.t * element_bytes;
    memory.caches = largest_caches;
    memory.working = working;
    memory.pixels = pixels;
    // The middle block has finished, and its caches are freed, before the first slab begins.
    memory.total =
        memory.buffered + kVaeWorkspace +
        std::max(middle.caches * element_bytes + middle_working, largest_caches + working + pixels);
    return memory;
  }
  const int64_t whole_output =
      plan.whole.levels.empty() ? middle.output : Elements(plan.whole.levels.back().Output());
  memory.caches = (middle.caches + CacheElements(plan.whole)) * element_bytes + all_caches;
  memory.working =
      std::max({middle_working, (middle.output + WorkingElements(plan.whole)) * element_bytes,
                whole_output * element_bytes + working});
  const int64_t frame = 3 * latent.h * latent.w * config.spatial_stride() * config.spatial_stride();
  memory.pixels = pixels + 2 * VaeConfig::kTimeStride * plan.latent_frames * frame * kFloatBytes;
  memory.total = kVaeWorkspace + memory.caches + memory.working + memory.pixels;
  return memory;
}

double BlockMacs(const PlannedSlab& slab, bool whole) {
  int64_t macs = 0;
  for (const PlannedLevel& level : slab.levels) {
    const RowRange all{0, level.map.height};
    for (size_t i = 0; i < level.blocks.size(); ++i) {
      BlockShapes block = level.Block(i);
      if (whole) block = MakeBlockShapes(level.map, all, all, block.conv1.in, block.conv2.out);
      macs += block.conv1.Macs() + block.conv2.Macs();
    }
  }
  return static_cast<double>(macs);
}

int64_t LargestTensor(const DecodePlan& plan) {
  int64_t largest = LargestTensor(plan.whole);
  for (const PlannedSlab& slab : plan.slabs) largest = std::max(largest, LargestTensor(slab));
  return largest;
}

}  // namespace t3
