// Float frames to the samples of a file and back, without an 8-bit step in between.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "media/frame.h"
#include "media/pixel_layout.h"

namespace t3 {

template <typename Byte>
struct PlanesOf {
  std::array<Byte*, 4> data = {};
  std::array<ptrdiff_t, 4> stride = {};  // bytes from row to row
};
using Planes = PlanesOf<uint8_t>;
using ConstPlanes = PlanesOf<const uint8_t>;

// Writes `frame` to `planes`, every sample rounded to nearest, RGB as full range. Chroma is
// averaged over its rows and, for kLeft, by (1,2,1)/4 around the even column; kCenter averages the
// two columns. Subsampling above 2 and alpha are not written: see CanPack. `threads` >= 1.
void PackFrame(const FrameView& frame, const PixelLayout& layout, const YuvColor& color,
               const Planes& planes, int threads);
bool CanPack(const PixelLayout& layout);

// Reads samples into `rgb`, (3, height, width) contiguous fp32 in [-1, 1], clamped. Chroma is
// interpolated linearly between its samples.
void UnpackFrame(const ConstPlanes& planes, int64_t width, int64_t height,
                 const PixelLayout& layout, const YuvColor& color, float* rgb, int threads);

// The number of threads that a user's setting means (0: one per core), >= 1.
int ThreadCount(int requested);

}  // namespace t3
