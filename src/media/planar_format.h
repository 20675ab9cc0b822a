// Frames as the samples of a file with planar YUV.
#pragma once

#include <string>

#include "media/pixel_convert.h"

namespace t3 {

// What a frame of floats is made into. `name` is one that PlanarYuvLayout knows, of three
// components.
struct PlanarFormat {
  std::string name;
  YuvColor color;

  PixelLayout Layout() const { return PlanarYuvLayout(name).value(); }
};

// The plane of a component of a frame, without gaps.
struct PlaneSize {
  int64_t row_bytes = 0;
  int64_t rows = 0;
  int64_t bytes() const { return row_bytes * rows; }
};
PlaneSize PlaneSizeOf(const PixelLayout& layout, int component, int64_t width, int64_t height);

// The planes of a width x height frame that lie in `samples` one after the other without gaps.
template <typename Byte>
PlanesOf<Byte> PlanesIn(Byte* samples, const PixelLayout& layout, int64_t width, int64_t height) {
  PlanesOf<Byte> planes;
  for (int c = 0; c < layout.components; ++c) {
    planes.data[c] = samples;
    const PlaneSize size = PlaneSizeOf(layout, c, width, height);
    planes.stride[c] = size.row_bytes;
    samples += size.bytes();
  }
  return planes;
}

}  // namespace t3
