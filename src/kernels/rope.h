// Rotary position embedding of a video's tokens, as kernels take it.
#pragma once

#include <cstdint>

namespace t3::kernels {

// Factors e^(i angle) as (cos, sin) pairs for the positions of each axis. Pair j of a head rotates
// by t's table for j < pairs_t, then by h's, then by w's.
struct RopeArgs {
  const float* t = nullptr;  // (T, pairs_t, 2); nullptr: no rotation
  const float* h = nullptr;  // (H, pairs_h, 2)
  const float* w = nullptr;  // (W, pairs_w, 2)
  int pairs_t = 0;
  int pairs_h = 0;
  int pairs_w = 0;
  // token = ((video * T + t) * H + h) * W + w
  int64_t frames = 1;
  int64_t height = 1;
  int64_t width = 1;
};

}  // namespace t3::kernels
