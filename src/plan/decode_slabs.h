// What a decode plan consists of: rows of every layer, counted back from the output.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "arch/vae_levels.h"
#include "config/geometry.h"
#include "config/model_config.h"
#include "plan/row_range.h"
#include "plan/stream_shapes.h"
#include "plan/vae_memory.h"

namespace t3 {

// One level of the decoder over part of the rows. Rows of every layer are counted back from the
// output, so that only true edges are padded. The head follows the last level.
struct PlannedLevel {
  VaeLevel arch;
  int64_t head_channels = 0;  // of the head's padded output; 0 except in the last level
  MapExtents map;             // of the largest pass, before upsampling
  RowRange input;
  std::array<RowRange, kVaeDecoderBlocks> blocks;  // output rows of each residual block
  RowRange output;                                 // of the upsampled map, or of the head

  BlockShapes Block(size_t index) const;
  UpsampleShapes Upsampler() const;  // in all levels but the last
  ConvShapes Head() const;           // in the last level
  MapShape Output() const { return arch.resamples() ? Upsampler().Output() : Head().Output(); }
};

// Consecutive levels over part of the rows. Without levels the output is the input.
struct PlannedSlab {
  RowRange input;
  RowRange output;
  std::vector<PlannedLevel> levels;
};

enum class DecodeOrder {
  kFramesOuter,  // causal caches of all slabs are alive: frames come complete and in order
  kSlabsOuter,   // caches of one slab, and the middle block's output of all frames: rows come slab
                 // by slab
};

struct DecodePlan {
  DecodeOrder order = DecodeOrder::kFramesOuter;
  Grid latent;
  int64_t latent_frames = 1;  // per pass; the first pass has one
  int64_t score_bytes = 0;    // attention scores of the middle block at a time
  RowRange part;              // latent rows that are decoded, all of them or a rank's
  // Levels that run on all rows of the part after the middle block, whose output rows they read.
  PlannedSlab whole;
  std::vector<PlannedSlab> slabs;
  VaeMemory memory;  // bytes beside weights and latents
};

// Levels [first, end) such that the output of the last one is `output`.
PlannedSlab MakeDecoderSlab(const VaeConfig& config, const Grid& latent, int64_t latent_frames,
                            int64_t first, int64_t end, const RowRange& output);

}  // namespace t3
