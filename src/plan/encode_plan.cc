// Rows counted back through the encoder, bytes counted forward.
#include "plan/encode_plan.h"

#include "base/bytes.h"
#include "base/check.h"

namespace t3 {
namespace {

constexpr int64_t kEncoderLevels = 4;
constexpr std::array<int64_t, kEncoderLevels> kEncoderMultipliers{1, 2, 4, 4};
constexpr std::array<int64_t, kEncoderLevels> kPassFrames{4, 4, 2, 1};
constexpr int64_t kEncoderScoreBytes = int64_t{1} << 29;
constexpr int64_t kEncoderWorkspace = 500'000'000;  // as in decoding
constexpr int64_t kPixelBytes = 4;

int64_t LevelChannels(const VaeConfig& config, int64_t level) {
  return config.encoder_dim * kEncoderMultipliers[static_cast<size_t>(level)];
}

PlannedEncoderLevel MakeEncoderLevel(const VaeConfig& config, const Grid& latent, int64_t index,
                                     const RowRange& output, int64_t first_level_frames) {
  PlannedEncoderLevel level;
  level.level = index;
  level.last = index + 1 == kEncoderLevels;
  level.in = LevelChannels(config, std::max<int64_t>(index - 1, 0));
  level.channels = LevelChannels(config, index);
  level.halves_time = index == 1 || index == 2;
  level.shortcut = config.version == VaeVersion::k22;
  level.height = latent.h << (kEncoderLevels - 1 - index);
  level.width = latent.w << (kEncoderLevels - 1 - index);
  level.frames = index == 0 ? first_level_frames : kPassFrames[static_cast<size_t>(index)];
  level.output = output;
  RowRange wanted =
      level.last ? output : RowRange{2 * output.begin, std::min(2 * output.end + 1, level.height)};
  for (size_t block = level.blocks.size(); block-- > 0;) {
    level.blocks[block] = wanted;
    wanted = wanted.Grown(2, level.height);
  }
  level.input = wanted;
  return level;
}

EncoderSlab MakeEncoderSlab(const VaeConfig& config, const Grid& latent, const RowRange& output,
                            int64_t first_level_frames) {
  EncoderSlab slab{{}, output, {}};
  RowRange wanted = output;
  for (int64_t level = kEncoderLevels; level-- > 0;) {
    slab.levels.insert(slab.levels.begin(),
                       MakeEncoderLevel(config, latent, level, wanted, first_level_frames));
    wanted = slab.levels.front().input;
  }
  slab.pixels = wanted.Grown(1, slab.levels.front().height);
  return slab;
}

int64_t PixelChannels(const VaeConfig& config) { return 3 * config.patch() * config.patch(); }

struct SlabElements {
  int64_t caches = 0;
  int64_t working = 0;
  int64_t largest = 0;  // tensor
};

// models/vae/stream_encoder.cc is what is counted.
SlabElements CountSlab(const VaeConfig& config, const EncoderSlab& slab) {
  const PlannedEncoderLevel& top = slab.levels.front();
  SlabElements count;
  const MapShape first =
      ConvInputShape(top.frames, top.input.size(), top.width, PixelChannels(config), 1);
  count.caches = Elements(ConvCacheShape(top.input.size(), top.width, PixelChannels(config), 1));
  count.largest = Elements(first);
  for (const PlannedEncoderLevel& level : slab.levels) {
    const auto map = [&](int64_t rows, int64_t channels) {
      return level.frames * rows * level.width * channels;
    };
    // What the level hands on, where it is put together from several runs.
    const bool in_parts = level.level == 0 && level.frames < kPassFrames[0];
    const int64_t together =
        in_parts ? kPassFrames[0] * level.output.size() * (level.width / 2) * level.channels : 0;
    const int64_t kept_input = level.shortcut ? map(level.input.size(), level.in) : 0;
    for (size_t i = 0; i < level.blocks.size(); ++i) {
      const RowRange& input = i == 0 ? level.input : level.blocks[i - 1];
      const int64_t in = i == 0 ? level.in : level.channels;
      const int64_t middle = level.blocks[i].Grown(1, level.height).size();
      const int64_t made = level.blocks[i].size();
      const int64_t read = Elements(ConvInputShape(level.frames, middle, level.width, in, 1));
      const int64_t read2 =
          Elements(ConvInputShape(level.frames, made, level.width, level.channels, 1));
      count.caches += Elements(ConvCacheShape(middle, level.width, in, 1)) +
                      Elements(ConvCacheShape(made, level.width, level.channels, 1));
      // What both convolutions read, but for the kept frames, where one kernel convolves and norms.
      const int64_t both =
          Elements(ConvInputShape(level.frames, middle, level.width, in, 1, 0)) +
          Elements(ConvInputShape(level.frames, made, level.width, level.channels, 1, 0));
      // A block's input, what a convolution reads, and what it makes; then the sum's terms.
      const int64_t most =
          map(input.size(), in) + std::max({read + map(middle, level.channels), both,
                                            read2 + 2 * map(middle, level.channels)});
      count.working = std::max(count.working, together + kept_input + most);
      count.largest = std::max({count.largest, read, read2});
    }
    if (level.last) continue;
    const int64_t before = map(level.blocks.back().size() + 1, level.channels);
    // The padded map, and the halved one before and after time; 2.2 averages its input in copies.
    count.working = std::max(count.working, together + 3 * kept_input + 2 * before + before / 2);
    if (level.halves_time) {
      count.caches +=
          Elements(ConvCacheShape(level.output.size(), level.width / 2, level.channels, 0, 1));
    }
  }
  return count;
}

void CountEncoder(const VaeConfig& config, int64_t element_bytes, EncodePlan* plan) {
  const Grid& latent = plan->latent;
  const int64_t frame = latent.h * latent.w * LevelChannels(config, kEncoderLevels - 1);
  const int64_t middle_caches =
      5 * Elements(ConvCacheShape(latent.h, latent.w, LevelChannels(config, 3), 1));
  DecodeMemory& memory = plan->memory;
  memory.held = frame * latent.t * element_bytes;
  for (const EncoderSlab& slab : plan->slabs) {
    const SlabElements count = CountSlab(config, slab);
    memory.caches = std::max(memory.caches, count.caches * element_bytes);
    memory.working = std::max(memory.working, count.working * element_bytes);
    // Four frames as they come and packed, of the rows that are read.
    const int64_t width = slab.levels.front().width;
    memory.pixels = std::max(
        memory.pixels, 3 * 4 * slab.pixels.size() * width * PixelChannels(config) * kPixelBytes);
  }
  const int64_t middle = (middle_caches + 10 * frame) * element_bytes + 2 * plan->score_bytes;
  memory.total = kEncoderWorkspace + memory.held +
                 std::max(middle, memory.caches + memory.working + memory.pixels);
}

int64_t LargestTensor(const VaeConfig& config, const EncodePlan& plan) {
  int64_t largest = 0;
  for (const EncoderSlab& slab : plan.slabs) {
    largest = std::max(largest, CountSlab(config, slab).largest);
  }
  return largest;
}

}  // namespace

EncodePlan MakeEncodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          int64_t slabs, int64_t first_level_frames) {
  T3_CHECK(slabs >= 1 && slabs <= latent.h, "encode plan: {} slabs of {} latent rows", slabs,
           latent.h);
  T3_CHECK(first_level_frames == 1 || first_level_frames == kPassFrames[0],
           "encode plan: {} frames at once, wanted 1 or {}", first_level_frames, kPassFrames[0]);
  EncodePlan plan;
  plan.latent = latent;
  plan.score_bytes =
      std::min(kEncoderScoreBytes, latent.h * latent.w * latent.h * latent.w * element_bytes);
  for (int64_t i = 0; i < slabs; ++i) {
    const RowRange output{latent.h * i / slabs, latent.h * (i + 1) / slabs};
    plan.slabs.push_back(MakeEncoderSlab(config, latent, output, first_level_frames));
  }
  CountEncoder(config, element_bytes, &plan);
  return plan;
}

std::optional<EncodePlan> FindEncodePlan(const VaeConfig& config, const Grid& latent,
                                         int64_t element_bytes, int64_t budget) {
  const auto fits = [&](const EncodePlan& plan) {
    return plan.memory.total <= budget && LargestTensor(config, plan) <= kLargestTensor;
  };
  EncodePlan plan = MakeEncodePlan(config, latent, element_bytes, 1);
  for (int64_t slabs = 1; !fits(plan) && slabs <= latent.h; ++slabs) {
    plan = MakeEncodePlan(config, latent, element_bytes, slabs, 1);
  }
  return fits(plan) ? std::optional(std::move(plan)) : std::nullopt;
}

EncodePlan PlanEncode(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                      int64_t budget) {
  const auto plan = FindEncodePlan(config, latent, element_bytes, budget);
  T3_CHECK(plan.has_value(),
           "encoding {} latent frames of {}x{} needs at least {} beside the weights, and {} are "
           "left for it; a larger --memory-limit is needed",
           latent.t, latent.w, latent.h,
           FormatBytes(MakeEncodePlan(config, latent, element_bytes, latent.h, 1).memory.total),
           FormatBytes(std::max<int64_t>(budget, 0)));
  return *plan;
}

}  // namespace t3
