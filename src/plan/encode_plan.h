// How a video is encoded within a memory budget: slabs of rows, each through all frames.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "arch/vae_levels.h"
#include "config/geometry.h"
#include "config/model_config.h"
#include "plan/row_range.h"
#include "plan/stream_shapes.h"
#include "plan/vae_memory.h"

namespace t3 {

// One level of the encoder over part of the rows, counted back from its output.
struct PlannedEncoderLevel {
  VaeLevel arch;
  MapExtents map;  // before downsampling; frames: per run of the level
  RowRange input;
  std::array<RowRange, kVaeEncoderBlocks> blocks;  // output rows of each residual block
  RowRange output;                                 // of the halved map where there is one

  BlockShapes Block(size_t index) const;
  DownsampleShapes Downsampler() const;  // in all levels but the last
};

struct EncoderSlab {
  RowRange pixels;  // rows of packed pixels that the first convolution reads
  RowRange output;  // latent rows
  std::vector<PlannedEncoderLevel> levels;
};

// The first pass has one frame, the others four. The first level, whose maps are the largest, can
// take them one by one. The middle block, which reads whole frames, runs after the last slab.
struct EncodePlan {
  Grid latent;
  int64_t score_bytes = 0;
  RowRange part;  // latent rows that are encoded, all of them or a rank's
  std::vector<EncoderSlab> slabs;
  VaeMemory memory;  // bytes beside weights and latents; buffered: the last level of all frames
};

// `slabs` at most the rows of `part` (empty: all latent rows), `first_level_frames` 1 or 4.
EncodePlan MakeEncodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          int64_t slabs, int64_t first_level_frames = VaeConfig::kTimeStride,
                          const RowRange& part = {});

// The plan with the fewest slabs within `budget` bytes; nullopt if none fits. Neighbouring slabs
// read the same rows, so with several slabs the first level takes frames one by one, which leaves
// room for higher slabs.
std::optional<EncodePlan> FindEncodePlan(const VaeConfig& config, const Grid& latent,
                                         int64_t element_bytes, int64_t budget,
                                         const RowRange& part = {});
// The same; if none fits, throws Error that states the memory of the smallest plan.
EncodePlan PlanEncode(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                      int64_t budget);

// Bytes of all frames of a plan in 16 bits, which a GPU keeps beside it where slabs read them
// again.
int64_t HeldFrameBytes(const VaeConfig& config, const EncodePlan& plan);

// The plan of part `part` of `parts` of the rows. All have as many slabs as the tallest needs
// within `budget`. Throws Error as PlanEncode.
EncodePlan PlanEncodePart(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          int64_t budget, int64_t part, int64_t parts);

}  // namespace t3
