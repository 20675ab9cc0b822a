// MUSIQ's view of a picture: patches at its own size and at smaller ones.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "config/score_networks.h"

namespace t3 {

struct MusiqPatches {
  at::Tensor pixels;     // (N,3,patch,patch), -1 to 1
  at::Tensor positions;  // (N), int64: row and column of the patch, hashed to grid x grid
  at::Tensor scales;     // (N), int64: which of the sizes
};

// picture (3,height,width), fp32 from 0 to 1. Sizes: each longer side (bicubic, a = -0.75, without
// antialiasing; the shorter side rounded half to even), then the picture's own. The edge is padded
// with zeros on both sides to whole patches. A longer side s gives at most ceil(s / patch)^2
// patches.
MusiqPatches CutPatches(const at::Tensor& picture, const MusiqConfig& config);

}  // namespace t3
