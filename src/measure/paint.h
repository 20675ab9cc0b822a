// Where the saturated paints of objects and lanterns are in a clip, and the things they make up.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace t3 {

inline constexpr int64_t kReadWidth = 256, kReadHeight = 144;

// One thing of one colour in one frame; pixels of a 256x144 picture.
struct PaintedThing {
  int color = 0;  // a WorldColor
  int64_t area = 0;
  double x = 0, y = 0;                               // its middle
  int64_t left = 0, right = 0, top = 0, bottom = 0;  // both ends inside
};

// (3, F, 144, 256) fp32 in [0, 1] of a clip in [-1, 1] of any size, averaged over areas.
at::Tensor ReadingSize(const at::Tensor& video);

// (F, 144, 256) int8: the WorldColor of painted pixels, -1 elsewhere. `picture` as ReadingSize's.
at::Tensor PaintMap(const at::Tensor& picture);

// The things of one frame's map (on the CPU) of at least `least` pixels. Parts of one colour less
// than 8 pixels apart are one thing: a sail and its hull.
std::vector<PaintedThing> FindThings(const at::Tensor& frame_map, int64_t least);

}  // namespace t3
