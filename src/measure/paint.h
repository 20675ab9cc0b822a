// Regions of a clip that have the saturated paints of objects and lanterns.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace t3 {

inline constexpr int64_t kReadWidth = 256, kReadHeight = 144;

// A connected region of one colour in one frame; pixels of a 256x144 picture.
struct PaintedRegion {
  int color = 0;  // a WorldColor
  int64_t area = 0;
  double x = 0, y = 0;                               // centre
  int64_t left = 0, right = 0, top = 0, bottom = 0;  // inclusive
};

// (3, F, 144, 256) fp32 in [0, 1] of a clip in [-1, 1] of any size, averaged over areas.
at::Tensor ReadingSize(const at::Tensor& video);

// (F, 144, 256) int8: the WorldColor of painted pixels, -1 elsewhere. `picture` as ReadingSize's.
at::Tensor PaintMap(const at::Tensor& picture);

// Regions of one frame's map (on the CPU) with at least `min_area` pixels. Parts of one colour less
// than 8 pixels apart are one region: a sail and its hull.
std::vector<PaintedRegion> FindRegions(const at::Tensor& frame_map, int64_t min_area);

}  // namespace t3
