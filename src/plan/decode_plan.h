// How a video is decoded within a memory budget: in which order, in which slabs of rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/geometry.h"
#include "config/model_config.h"
#include "plan/decode_slabs.h"

namespace t3 {

// What the planner chooses among.
struct DecodePlanOptions {
  DecodeOrder order = DecodeOrder::kFramesOuter;
  int64_t latent_frames = 1;
  int64_t whole_levels = 0;  // levels on whole frames; 0 with kSlabsOuter
  int64_t slabs = 1;         // at most the part's rows
  int64_t score_bytes = int64_t{1} << 31;
  RowRange part = {};  // latent rows to decode; empty: all
};
DecodePlan MakeDecodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          const DecodePlanOptions& options);

// Work of the residual blocks relative to a plan without slabs: rows in halos are computed for both
// slabs. Small frames are mostly halo: 288 rows in slabs of 8 take 21 times the work.
double RelativeWork(const DecodePlan& plan);

// "whole frames in 2 slabs, 2 latent frames per pass, 1.04 times the work".
std::string DescribeDecodePlan(const DecodePlan& plan);

// Elements of the largest tensor that any layer of the plan is given.
int64_t LargestTensor(const DecodePlan& plan);

// The plan with the smallest memory.
DecodePlan SmallestDecodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes);

// The fastest plan whose memory is within `budget` bytes (beside weights and latents): frames outer
// where the caches fit, with the least work in halos, else slabs outer with the highest slabs. Of
// latent rows `part`; empty: all. nullopt if none fits.
std::optional<DecodePlan> FindDecodePlan(const VaeConfig& config, const Grid& latent,
                                         int64_t element_bytes, int64_t budget,
                                         const RowRange& part = {});
// The same; if none fits, throws Error that states the memory of the smallest plan.
DecodePlan PlanDecode(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                      int64_t budget);

// The plan of part `part` of `parts` of the rows, each with its halos; together they are the video.
// All parts are decoded by the same options, those of the tallest within `budget`, so that they
// come in the same passes and slabs. Throws Error as PlanDecode.
DecodePlan PlanDecodePart(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          int64_t budget, int64_t part, int64_t parts);

// Rows of part `part` of `parts`: of the latents.
RowRange PartRows(int64_t rows, int64_t part, int64_t parts);

}  // namespace t3
