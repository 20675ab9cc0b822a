// Rows counted back through the decoder, bytes counted forward.
#include "plan/decode_plan.h"

#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace t3 {
namespace {

constexpr int64_t kLevels = 4;
constexpr std::array<int64_t, kLevels> kMultipliers{4, 4, 2, 1};
constexpr int64_t kFloatBytes = 4;
// Latent rows of a slab, doubled three times.
constexpr int64_t kRowStride = 8;
// Passes of more latent frames than this gain nothing and need more slabs.
constexpr int64_t kMaxLatentFrames = 2;
// Frames outer with more slabs than this spends more on halos than slabs outer costs.
constexpr int64_t kMaxSlabs = 16;
constexpr int64_t kFewScoreBytes = int64_t{1} << 29;
// What convolutions take beside their tensors: workspaces and the allocator's rounding.
constexpr int64_t kWorkspace = 500'000'000;

// The level whose output is rows `output`.
PlannedLevel MakeLevel(const VaeConfig& config, const Grid& latent, int64_t latent_frames,
                       int64_t index, const RowRange& output) {
  const bool v22 = config.version == VaeVersion::k22;
  const auto channels = [&](int64_t level) {
    return config.decoder_dim * kMultipliers[static_cast<size_t>(level)];
  };
  const auto handed_on = [&](int64_t level) { return v22 ? channels(level) : channels(level) / 2; };
  PlannedLevel level;
  level.level = index;
  level.last = index + 1 == kLevels;
  level.in = index == 0 ? channels(0) : handed_on(index - 1);
  level.channels = channels(index);
  level.out = level.last ? PaddedChannels(3 * config.patch() * config.patch()) : handed_on(index);
  level.doubles_time = index < 2;
  level.shortcut = v22 && !level.last;
  level.height = latent.h << index;
  level.width = latent.w << index;
  level.frames = latent_frames << std::min<int64_t>(index, 2);
  level.output = output;
  // The head reaches one row further; so does the upsampler, on the doubled grid.
  RowRange wanted = level.last ? output.Grown(1, level.height)
                               : RowRange{(std::max<int64_t>(output.begin - 1, 0)) / 2,
                                          std::min(output.end / 2 + 1, level.height)};
  for (size_t block = level.blocks.size(); block-- > 0;) {
    level.blocks[block] = wanted;
    wanted = wanted.Grown(2, level.height);  // two convolutions of one row each
  }
  level.input = wanted;
  return level;
}

// Levels [first, end) such that the last of them hands on `output`.
PlannedSlab MakeSlab(const VaeConfig& config, const Grid& latent, int64_t latent_frames,
                     int64_t first, int64_t end, const RowRange& output) {
  PlannedSlab slab{output, output, {}};
  for (int64_t level = end; level-- > first;) {
    slab.levels.insert(slab.levels.begin(),
                       MakeLevel(config, latent, latent_frames, level, slab.input));
    slab.input = slab.levels.front().input;
  }
  return slab;
}

// One residual block of a level.
struct Block {
  RowRange input, middle, output;
  int64_t in, out;
};

Block BlockOf(const PlannedLevel& level, size_t index) {
  return {index == 0 ? level.input : level.blocks[index - 1],
          level.blocks[index].Grown(1, level.height), level.blocks[index],
          index == 0 ? level.in : level.channels, level.channels};
}

// Calls f(rows that it makes, channels in, halo) for every causal convolution of a level.
template <typename F>
void ForEachConv(const PlannedLevel& level, F f) {
  for (size_t i = 0; i < level.blocks.size(); ++i) {
    const Block block = BlockOf(level, i);
    f(block.middle.size(), block.in, 1);
    f(block.output.size(), block.out, 1);
  }
  if (level.last) f(level.output.size(), level.channels, 1);
  if (level.doubles_time) f(level.blocks.back().size(), level.channels, 0);
}

int64_t CacheElements(const PlannedSlab& slab) {
  int64_t elements = 0;
  for (const PlannedLevel& level : slab.levels) {
    ForEachConv(level, [&](int64_t rows, int64_t channels, int64_t halo) {
      elements += Elements(ConvCacheShape(rows, level.width, channels, halo));
    });
  }
  return elements;
}

int64_t FramesOut(const PlannedLevel& level) {
  return level.doubles_time ? 2 * level.frames : level.frames;
}

// The four phases of an upsampled frame before they are put in place: a frame at a time.
MapShape PhasesShape(const PlannedLevel& level) {
  return {1, level.blocks.back().size() + 1, level.width + 1, 4 * level.out};
}

MapShape OutputShape(const PlannedLevel& level) {
  const int64_t width = level.last ? level.width : 2 * level.width;
  return {FramesOut(level), level.output.size(), width, level.out};
}

int64_t InputElements(const PlannedLevel& level) {
  return level.frames * level.input.size() * level.width * level.in;
}

// Elements alive in the widest moment of a level, its input included (models/vae/stream_level.cc).
int64_t WorkingElements(const PlannedLevel& level) {
  const int64_t kept = level.shortcut ? InputElements(level) : 0;
  int64_t most = 0;
  const auto map = [&](const RowRange& rows, int64_t channels) {
    return level.frames * rows.size() * level.width * channels;
  };
  const auto input = [&](const RowRange& rows, int64_t channels, int64_t before = 2) {
    return Elements(ConvInputShape(level.frames, rows.size(), level.width, channels, 1, before));
  };
  for (size_t i = 0; i < level.blocks.size(); ++i) {
    const Block block = BlockOf(level, i);
    const int64_t x = (i == 0 && level.shortcut) ? 0 : map(block.input, block.in);
    const int64_t first = input(block.middle, block.in) + map(block.middle, block.out);
    const int64_t second = input(block.output, block.out) + map(block.middle, block.out);
    // The second convolution's output, and the shortcut, beside its input where one kernel adds it.
    const int64_t third = input(block.output, block.out) +
                          (block.in == block.out ? 1 : 2) * map(block.output, block.out);
    // Where one kernel convolves and norms: what both read, but for the kept frames.
    const int64_t both = input(block.middle, block.in, 0) + input(block.output, block.out, 0);
    most = std::max({most, x + first, x + second, x + third, x + both});
  }
  const int64_t x = map(level.blocks.back(), level.channels);
  if (level.last) {
    most = std::max(most, x + input(level.output, level.channels) + Elements(OutputShape(level)));
  }
  if (level.doubles_time) {  // input, both halves, and those interleaved
    most = std::max(most, x +
                              Elements(ConvInputShape(level.frames, level.blocks.back().size(),
                                                      level.width, level.channels, 0)) +
                              2 * x);
    most = std::max(most, 5 * x);
  }
  if (!level.last) {
    const int64_t time = level.doubles_time ? 2 * x : x;
    const int64_t phases = Elements(PhasesShape(level));
    most = std::max(most, time + Elements(OutputShape(level)) + phases);
  }
  return kept + most;
}

int64_t WorkingElements(const PlannedSlab& slab) {
  int64_t most = 0;
  for (const PlannedLevel& level : slab.levels) most = std::max(most, WorkingElements(level));
  return most;
}

int64_t LargestTensor(const PlannedSlab& slab) {
  int64_t most = 0;
  for (const PlannedLevel& level : slab.levels) {
    ForEachConv(level, [&](int64_t rows, int64_t channels, int64_t halo) {
      most =
          std::max(most, Elements(ConvInputShape(level.frames, rows, level.width, channels, halo)));
    });
    if (level.doubles_time) {
      most = std::max(most,
                      2 * level.frames * level.blocks.back().size() * level.width * level.channels);
    }
    most = std::max(most, Elements(level.last ? OutputShape(level) : PhasesShape(level)));
  }
  return most;
}

// Input convolution and middle block on whole frames.
struct MiddleElements {
  int64_t caches = 0;
  int64_t working = 0;
  int64_t output = 0;  // of one pass
};

MiddleElements CountMiddle(const VaeConfig& config, const Grid& latent, int64_t latent_frames) {
  const int64_t channels = config.decoder_dim * kMultipliers[0];
  const auto input = [&](int64_t frames, int64_t in) {
    return Elements(ConvInputShape(frames, latent.h, latent.w, in, 1));
  };
  MiddleElements count;
  count.caches = input(0, PaddedChannels(config.latent_channels)) + 4 * input(0, channels);
  count.output = latent_frames * latent.h * latent.w * channels;
  // A residual block as above; the attention: its input, the normed one, q|k|v, two copies of what
  // was attended, and the projection.
  count.working = std::max(2 * count.output + input(latent_frames, channels), 8 * count.output);
  return count;
}

// Pixels of one pass of a slab: as the head makes them, and as floats in up to three copies.
int64_t PixelBytes(const PlannedSlab& slab, int64_t element_bytes, int64_t patch) {
  const PlannedLevel& head = slab.levels.back();
  const int64_t pixels = 3 * patch * patch * head.frames * head.output.size() * head.width;
  return Elements(OutputShape(head)) * element_bytes + 3 * pixels * kFloatBytes;
}

void CountMemory(const VaeConfig& config, int64_t element_bytes, DecodePlan* plan) {
  const Grid& latent = plan->latent;
  const MiddleElements middle = CountMiddle(config, latent, plan->latent_frames);
  const int64_t middle_working = middle.working * element_bytes + 2 * plan->score_bytes;
  int64_t all_caches = 0, largest_caches = 0, working = 0, pixels = 0;
  for (const PlannedSlab& slab : plan->slabs) {
    const int64_t caches = CacheElements(slab) * element_bytes;
    all_caches += caches;
    largest_caches = std::max(largest_caches, caches);
    working = std::max(working, WorkingElements(slab) * element_bytes);
    pixels = std::max(pixels, PixelBytes(slab, element_bytes, config.patch()));
  }
  DecodeMemory& memory = plan->memory;
  if (plan->order == DecodeOrder::kSlabsOuter) {
    memory.held = middle.output / plan->latent_frames * latent.t * element_bytes;
    memory.caches = largest_caches;
    memory.working = working;
    memory.pixels = pixels;
    // The middle block is done, and its caches gone, before the first slab begins.
    memory.total =
        memory.held + kWorkspace +
        std::max(middle.caches * element_bytes + middle_working, largest_caches + working + pixels);
    return;
  }
  const int64_t whole_output =
      plan->whole.levels.empty() ? middle.output : Elements(OutputShape(plan->whole.levels.back()));
  memory.caches = (middle.caches + CacheElements(plan->whole)) * element_bytes + all_caches;
  memory.working =
      std::max({middle_working, (middle.output + WorkingElements(plan->whole)) * element_bytes,
                whole_output * element_bytes + working});
  const int64_t frame = 3 * latent.h * latent.w * config.spatial_stride() * config.spatial_stride();
  memory.pixels = pixels + 2 * VaeConfig::kTimeStride * plan->latent_frames * frame * kFloatBytes;
  memory.total = kWorkspace + memory.caches + memory.working + memory.pixels;
}

// Multiply-accumulates of a pass's residual blocks, nearly all of its work.
double BlockMacs(const PlannedLevel& level, const Block& block) {
  return 27.0 * static_cast<double>(level.frames * level.width) *
         static_cast<double>(block.middle.size() * block.in * block.out +
                             block.output.size() * block.out * block.out);
}

double BlockMacs(const PlannedSlab& slab) {
  double macs = 0;
  for (const PlannedLevel& level : slab.levels) {
    for (size_t i = 0; i < level.blocks.size(); ++i) macs += BlockMacs(level, BlockOf(level, i));
  }
  return macs;
}

// The same of the same levels without slabs.
double WholeBlockMacs(const PlannedSlab& slab) {
  double macs = 0;
  for (const PlannedLevel& level : slab.levels) {
    const RowRange all{0, level.height};
    for (size_t i = 0; i < level.blocks.size(); ++i) {
      const Block block = BlockOf(level, i);
      macs += BlockMacs(level, {all, all, all, block.in, block.out});
    }
  }
  return macs;
}

// Work for one latent frame, halos included. Passes of one frame read and write the causal caches
// twice as often, which is the memory traffic of some 2 % of the time at 4K.
double PlanCost(const DecodePlan& plan) {
  constexpr double kShortPass = 1.02;
  double macs = BlockMacs(plan.whole);
  for (const PlannedSlab& slab : plan.slabs) macs += BlockMacs(slab);
  return macs / static_cast<double>(plan.latent_frames) *
         (plan.latent_frames == 1 ? kShortPass : 1);
}

// The first way with at most `most_slabs` slabs that is within the budget and the tensors' limit.
std::optional<DecodePlan> FewestSlabs(const VaeConfig& config, const Grid& latent,
                                      int64_t element_bytes, int64_t budget, DecodeChoice choice,
                                      int64_t most_slabs) {
  for (choice.slabs = 1; choice.slabs <= std::min(most_slabs, latent.h); ++choice.slabs) {
    DecodePlan plan = MakeDecodePlan(config, latent, element_bytes, choice);
    if (plan.memory.total <= budget && LargestTensor(plan) <= kLargestTensor) return plan;
  }
  return std::nullopt;
}

}  // namespace

DecodePlan MakeDecodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          const DecodeChoice& choice) {
  T3_CHECK(choice.slabs >= 1 && choice.slabs <= latent.h && choice.latent_frames >= 1 &&
               choice.whole_levels >= 0 && choice.whole_levels < kLevels &&
               (choice.order == DecodeOrder::kFramesOuter || choice.whole_levels == 0),
           "decode plan: {} slabs of {} latent rows, {} latent frames a pass, {} whole levels",
           choice.slabs, latent.h, choice.latent_frames, choice.whole_levels);
  DecodePlan plan;
  plan.order = choice.order;
  plan.latent = latent;
  plan.latent_frames = choice.latent_frames;
  plan.score_bytes =
      std::min(choice.score_bytes, latent.h * latent.w * latent.h * latent.w * element_bytes);
  const int64_t split = choice.whole_levels;
  plan.whole = MakeSlab(config, latent, choice.latent_frames, 0, split, {0, latent.h << split});
  for (int64_t i = 0; i < choice.slabs; ++i) {
    const RowRange rows{kRowStride * (latent.h * i / choice.slabs),
                        kRowStride * (latent.h * (i + 1) / choice.slabs)};
    plan.slabs.push_back(MakeSlab(config, latent, choice.latent_frames, split, kLevels, rows));
  }
  CountMemory(config, element_bytes, &plan);
  return plan;
}

double WorkOfSlabs(const DecodePlan& plan) {
  const double whole = BlockMacs(plan.whole);
  double macs = whole;
  for (const PlannedSlab& slab : plan.slabs) macs += BlockMacs(slab);
  return macs / (whole + WholeBlockMacs(plan.slabs.front()));
}

std::string DescribeDecodePlan(const DecodePlan& plan) {
  const std::string slabs =
      fmt::format("{} slab{}", plan.slabs.size(), plan.slabs.size() == 1 ? "" : "s");
  const std::string order =
      plan.order == DecodeOrder::kFramesOuter
          ? fmt::format("whole frames in {}, {} latent frame{} a pass", slabs, plan.latent_frames,
                        plan.latent_frames == 1 ? "" : "s")
          : fmt::format("{} after each other, each through all frames", slabs);
  const double work = WorkOfSlabs(plan);
  return plan.slabs.size() == 1 ? order : order + fmt::format(", {:.2f} times the work", work);
}

int64_t LargestTensor(const DecodePlan& plan) {
  int64_t most = LargestTensor(plan.whole);
  for (const PlannedSlab& slab : plan.slabs) most = std::max(most, LargestTensor(slab));
  return most;
}

DecodePlan SmallestDecodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes) {
  return MakeDecodePlan(config, latent, element_bytes,
                        {DecodeOrder::kSlabsOuter, 1, 0, latent.h, kFewScoreBytes});
}

std::optional<DecodePlan> FindDecodePlan(const VaeConfig& config, const Grid& latent,
                                         int64_t element_bytes, int64_t budget) {
  const int64_t passes = std::max<int64_t>(latent.t - 1, 1);
  std::optional<DecodePlan> best;
  for (int64_t frames = std::min(kMaxLatentFrames, passes); frames >= 1; --frames) {
    // Halos cost most in early levels: as many on whole frames as memory and kernels take.
    for (int64_t whole = kLevels - 1; whole >= 0; --whole) {
      const DecodeChoice choice{DecodeOrder::kFramesOuter, frames, whole};
      auto plan = FewestSlabs(config, latent, element_bytes, budget, choice, kMaxSlabs);
      if (plan && (!best || PlanCost(*plan) < PlanCost(*best))) best = std::move(plan);
    }
  }
  if (best) return best;
  const DecodeChoice choice{DecodeOrder::kSlabsOuter, 1, 0, 1, kFewScoreBytes};
  return FewestSlabs(config, latent, element_bytes, budget, choice, latent.h);
}

DecodePlan PlanDecode(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                      int64_t budget) {
  const auto plan = FindDecodePlan(config, latent, element_bytes, budget);
  T3_CHECK(plan.has_value(),
           "decoding {} latent frames of {}x{} needs at least {} beside the weights, and {} are "
           "left for it; a larger --memory-limit or fewer frames are needed",
           latent.t, latent.w, latent.h,
           FormatBytes(SmallestDecodePlan(config, latent, element_bytes).memory.total),
           FormatBytes(std::max<int64_t>(budget, 0)));
  return *plan;
}

}  // namespace t3
