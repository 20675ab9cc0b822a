// One video frame in memory.
#pragma once

#include <cstdint>

namespace t3 {

// Planar RGB, fp32 in [-1, 1] (values outside are clamped, NaN counts as -1), row-major, not owned.
struct FrameView {
  int64_t width = 0;
  int64_t height = 0;
  const float* planes[3] = {};  // red, green, blue
  int64_t row_stride = 0;       // in floats
};

}  // namespace t3
