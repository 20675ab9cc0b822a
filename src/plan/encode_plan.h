// How a video is encoded within a memory budget: slabs of rows, each through all frames.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "config/geometry.h"
#include "config/model_config.h"
#include "plan/decode_plan.h"
#include "plan/row_range.h"

namespace t3 {

// One level of the encoder over part of the rows, counted back from what is wanted at its end.
struct PlannedEncoderLevel {
  int64_t level = 0;
  int64_t in = 0;        // channels that come in
  int64_t channels = 0;  // of the residual blocks and of what is handed on
  bool last = false;     // no downsampler
  bool halves_time = false;
  bool shortcut = false;  // 2.2
  int64_t height = 0;     // rows of the whole map, before downsampling
  int64_t width = 0;
  int64_t frames = 0;  // run at once, before downsampling
  RowRange input;
  std::array<RowRange, 2> blocks;  // rows that each residual block makes
  RowRange output;                 // rows handed on, of the halved grid where there is one
};

struct EncoderSlab {
  RowRange pixels;  // rows of packed pixels that the first convolution reads
  RowRange output;  // latent rows
  std::vector<PlannedEncoderLevel> levels;
};

// The first pass has one frame, the others four; the first level, whose maps are the largest, can
// take them one by one. The middle block runs on whole frames once every slab is done.
struct EncodePlan {
  Grid latent;
  int64_t score_bytes = 0;
  std::vector<EncoderSlab> slabs;
  DecodeMemory memory;  // bytes beside weights and latents; held: the last level of all frames
};

// `slabs` at most the latents' rows, `first_level_frames` at once 1 or 4.
EncodePlan MakeEncodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          int64_t slabs, int64_t first_level_frames = VaeConfig::kTimeStride);

// The plan of fewest slabs within `budget` bytes; nothing where none fits. Slabs read rows of their
// neighbours again, so with more than one the first level takes frames one by one, which leaves
// room for higher slabs.
std::optional<EncodePlan> FindEncodePlan(const VaeConfig& config, const Grid& latent,
                                         int64_t element_bytes, int64_t budget);
// The same; throws Error that says what the least takes where none fits.
EncodePlan PlanEncode(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                      int64_t budget);

}  // namespace t3
