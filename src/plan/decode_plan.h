// How a video is decoded within a memory budget: in which order, in which slabs of rows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/vae_levels.h"
#include "config/geometry.h"
#include "config/model_config.h"
#include "plan/row_range.h"
#include "plan/stream_shapes.h"

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

struct VaeMemory {
  int64_t buffered = 0;  // maps of all frames between two phases
  int64_t caches = 0;    // causal caches that are alive together
  int64_t working = 0;   // the widest layer
  int64_t pixels = 0;    // pixels on their way in or out
  int64_t total = 0;     // of the widest phase
};

struct DecodePlan {
  DecodeOrder order = DecodeOrder::kFramesOuter;
  Grid latent;
  int64_t latent_frames = 1;  // per pass; the first pass has one
  int64_t score_bytes = 0;    // attention scores of the middle block at a time
  PlannedSlab whole;          // levels that run on whole frames after the middle block
  std::vector<PlannedSlab> slabs;
  VaeMemory memory;  // bytes beside weights and latents
};

// What the planner chooses among.
struct DecodePlanOptions {
  DecodeOrder order = DecodeOrder::kFramesOuter;
  int64_t latent_frames = 1;
  int64_t whole_levels = 0;  // levels on whole frames; 0 with kSlabsOuter
  int64_t slabs = 1;         // at most the latents' rows
  int64_t score_bytes = int64_t{1} << 31;
};
DecodePlan MakeDecodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          const DecodePlanOptions& options);

// Work of the residual blocks relative to a plan without slabs: rows in halos are computed for both
// slabs. Small frames are mostly halo: 288 rows in slabs of 8 take 21 times the work.
double RelativeWork(const DecodePlan& plan);

// "whole frames in 2 slabs, 2 latent frames per pass, 1.04 times the work".
std::string DescribeDecodePlan(const DecodePlan& plan);

// Elements of the largest tensor that any layer of the plan is given. cuDNN's fast convolutions
// support at most kMaxTensorElements.
int64_t LargestTensor(const DecodePlan& plan);
inline constexpr int64_t kMaxTensorElements = (int64_t{1} << 31) - 1;

// The plan with the smallest memory.
DecodePlan SmallestDecodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes);

// The fastest plan whose memory is within `budget` bytes (beside weights and latents): frames outer
// where the caches fit, with the least work in halos, else slabs outer with the highest slabs.
// nullopt if none fits.
std::optional<DecodePlan> FindDecodePlan(const VaeConfig& config, const Grid& latent,
                                         int64_t element_bytes, int64_t budget);
// The same; if none fits, throws Error that states the memory of the smallest plan.
DecodePlan PlanDecode(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                      int64_t budget);

}  // namespace t3
