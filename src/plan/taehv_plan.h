// How a TAEHV decodes within a memory budget.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/geometry.h"
#include "config/model_config.h"
#include "plan/taehv_shapes.h"
#include "plan/vae_memory.h"

namespace t3 {

// Frames come complete and in order. The blocks run on whole frames, as many latent frames at a
// time as memory allows; what follows the last stage's blocks, whose maps are the largest, on one
// frame at a time, in bands of rows.
struct TaehvPlan {
  Grid latent;
  int64_t latent_frames = 1;  // per pass
  int64_t band_rows = 0;      // at most, in rows of packed pixels
  VaeMemory memory;           // bytes beside weights and latents
};

// `latent_frames` at least 1. Bands are as high as they can be without taking more memory than the
// blocks do. `band_rows` 0: that height.
TaehvPlan MakeTaehvPlan(const TaehvConfig& config, const Grid& latent, int64_t element_bytes,
                        int64_t latent_frames, int64_t band_rows = 0);

// The plan with the most latent frames per pass, at most 8, within `budget` bytes. nullopt if none
// fits. The smallest has one.
std::optional<TaehvPlan> FindTaehvPlan(const TaehvConfig& config, const Grid& latent,
                                       int64_t element_bytes, int64_t budget);
// The same; if none fits, throws Error that states the memory of the smallest plan.
TaehvPlan PlanTaehv(const TaehvConfig& config, const Grid& latent, int64_t element_bytes,
                    int64_t budget);

// Bytes to decode the end of a clip for a preview: a few latent frames by the smallest plan.
inline constexpr int64_t kPreviewLatents = 3;
int64_t PreviewBytes(const TaehvConfig& config, const Grid& latent, int64_t element_bytes);

// "whole frames, 4 latent frames per pass".
std::string DescribeTaehvPlan(const TaehvPlan& plan);

// Elements of the largest tensor that any layer is given.
int64_t LargestTensor(const TaehvConfig& config, const TaehvPlan& plan);

}  // namespace t3
