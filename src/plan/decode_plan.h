// How a video is decoded within a memory budget: in which order, in which slabs of rows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/geometry.h"
#include "config/model_config.h"
#include "plan/row_range.h"

namespace t3 {

// Feature maps are (frames, rows, columns, channels), contiguous.
using MapShape = std::array<int64_t, 4>;
inline int64_t Elements(const MapShape& shape) { return shape[0] * shape[1] * shape[2] * shape[3]; }

// What a causal convolution reads to make `frames` x `rows` x `columns`: the two frames before (one
// where it halves time), and `halo` rows above and below. Rows beyond the frame's edge are zeros
// that are held as well.
inline MapShape ConvInputShape(int64_t frames, int64_t rows, int64_t columns, int64_t channels,
                               int64_t halo, int64_t kept = 2) {
  return {frames + kept, rows + 2 * halo, columns, channels};
}
// What it keeps from pass to pass.
inline MapShape ConvCacheShape(int64_t rows, int64_t columns, int64_t channels, int64_t halo,
                               int64_t kept = 2) {
  return ConvInputShape(0, rows, columns, channels, halo, kept);
}
// Output channels of the last convolution: kernels want whole 16-byte vectors.
inline int64_t PaddedChannels(int64_t channels) { return (channels + 7) / 8 * 8; }

// One level of the decoder over part of the rows: what every layer makes, counted back from what is
// wanted at the end, so that nothing but true edges is padded.
struct PlannedLevel {
  int64_t level = 0;
  int64_t in = 0;        // channels that come in
  int64_t channels = 0;  // of the residual blocks
  int64_t out = 0;       // channels handed on
  bool last = false;     // the head instead of an upsampler
  bool doubles_time = false;
  bool shortcut = false;  // the level's input is added after upsampling (2.2)
  int64_t height = 0;     // rows of the whole map, before upsampling
  int64_t width = 0;
  int64_t frames = 0;              // of the largest pass, before upsampling
  RowRange input;                  // rows that come in
  std::array<RowRange, 3> blocks;  // rows that each residual block makes
  RowRange output;                 // rows handed on, of the upsampled grid where there is one
};

// Consecutive levels over part of the rows. Without levels it hands on its input.
struct PlannedSlab {
  RowRange input;
  RowRange output;
  std::vector<PlannedLevel> levels;
};

enum class DecodeOrder {
  kFramesOuter,  // every slab's caches are held: frames come complete and in order
  kSlabsOuter,   // one slab's are, and the middle block's output of all frames: rows come slab by
                 // slab
};

struct DecodeMemory {
  int64_t held = 0;     // the middle block's output of all frames
  int64_t caches = 0;   // causal caches that are alive together
  int64_t working = 0;  // the widest layer
  int64_t pixels = 0;   // decoded pixels before they are handed on
  int64_t total = 0;    // of the widest phase
};

struct DecodePlan {
  DecodeOrder order = DecodeOrder::kFramesOuter;
  Grid latent;
  int64_t latent_frames = 1;  // a pass; the first pass has one
  int64_t score_bytes = 0;    // of the middle attention, at a time
  PlannedSlab whole;          // levels that run on whole frames behind the middle block
  std::vector<PlannedSlab> slabs;
  DecodeMemory memory;  // bytes beside weights and latents
};

// What the planner chooses among.
struct DecodeChoice {
  DecodeOrder order = DecodeOrder::kFramesOuter;
  int64_t latent_frames = 1;
  int64_t whole_levels = 0;  // levels on whole frames; 0 with kSlabsOuter
  int64_t slabs = 1;         // at most the latents' rows
  int64_t score_bytes = int64_t{1} << 31;
};
DecodePlan MakeDecodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          const DecodeChoice& choice);

// The residual blocks' work by a plan over that without slabs: rows in halos are made again for
// every slab. Low frames have little else: 288 rows in slabs of 8 take 21 times the work.
double WorkOfSlabs(const DecodePlan& plan);

// What a plan does, in a few words.
std::string DescribeDecodePlan(const DecodePlan& plan);

// The largest tensor that any layer of the plan is given, in elements. Beyond 2^31 - 1 cuDNN's fast
// convolutions stop.
int64_t LargestTensor(const DecodePlan& plan);
inline constexpr int64_t kLargestTensor = (int64_t{1} << 31) - 1;

// The plan that needs the least memory.
DecodePlan SmallestDecodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes);

// The fastest plan whose memory is within `budget` bytes (beside weights and latents): frames outer
// where the caches fit, with the least work in halos; else slabs outer with
// the highest slabs. Nothing where none fits.
std::optional<DecodePlan> FindDecodePlan(const VaeConfig& config, const Grid& latent,
                                         int64_t element_bytes, int64_t budget);
// The same; throws Error that says what the smallest plan needs where none fits.
DecodePlan PlanDecode(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                      int64_t budget);

}  // namespace t3
