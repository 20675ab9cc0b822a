// Numbers that describe a scene and an object, for the fitted part of the detector.
#pragma once

#include <ATen/core/Tensor.h>

#include "measure/paint.h"

namespace t3 {

inline constexpr int64_t kSceneFeatures = 8 * 14 + 4 + 12 + 1, kObjectFeatures = 8 * 8 + 4 + 1;

// (kSceneFeatures) fp32 on the CPU: by bands of height, colours, textures and the side of the
// light; where the sky is brightest and how uneven it is. `picture` and `free` as in ReadCamera.
at::Tensor SceneFeatures(const at::Tensor& picture, const at::Tensor& free);

// (kObjectFeatures) of one frame: the silhouette in 8x8 fields, its sides and place.
at::Tensor ObjectFeatures(const at::Tensor& frame_map, const PaintedThing& thing);

}  // namespace t3
