// Features of a scene and an object, for the fitted coefficients.
#pragma once

#include <ATen/core/Tensor.h>

#include "measure/paint.h"

namespace t3 {

inline constexpr int64_t kSceneFeatures = 8 * 14 + 4 + 12 + 1, kObjectFeatures = 8 * 8 + 4 + 1;

// Inputs of the fitted coefficients (world_fit.cc).
struct WorldFeatures {
  at::Tensor scene;   // (kSceneFeatures) fp32 on the CPU
  at::Tensor object;  // (kObjectFeatures); zero without an object
};

// (kSceneFeatures) fp32 on the CPU: colours, textures and the side of the light by horizontal
// bands; where the sky is brightest and how uneven it is. `picture` and `free` as in ReadCamera.
at::Tensor SceneFeatures(const at::Tensor& picture, const at::Tensor& free);

// (kObjectFeatures) of one frame: the silhouette in 8x8 fields, its extent and position.
at::Tensor ObjectFeatures(const at::Tensor& frame_map, const PaintedRegion& thing);

}  // namespace t3
