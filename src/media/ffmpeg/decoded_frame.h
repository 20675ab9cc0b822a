// What a decoded AVFrame shows: its colours and which way is up.
#pragma once

#include <cstdint>

#include "media/ffmpeg/av.h"

namespace t3 {

// The frame's tags, or `untagged` where it has none; grey without a range is full range, as FFmpeg
// has it.
YuvColor ColorOf(const AVFrame& frame, const YuvColor& untagged);

// The pixels as (3, height, width) fp32 in [-1, 1], not turned. Formats without a PixelLayout go
// through swscale to 16-bit RGB. Throws Error when that cannot be done either.
void FrameToRgb(const AVFrame& frame, const YuvColor& untagged, float* rgb, int threads);

// One of the eight ways to lay a picture: columns and rows exchanged first, then mirrored.
struct Orientation {
  bool transpose = false;
  bool mirror_x = false;
  bool mirror_y = false;
  bool upright() const { return !transpose && !mirror_x && !mirror_y; }
};
// From the 3x3 display matrix of FFmpeg (nine int32); anything but quarter turns counts as upright.
Orientation OrientationOf(const int32_t* display_matrix);
// From the frame's own matrix, upright without one.
Orientation OrientationOf(const AVFrame& frame);

// `in`, (3, height, width), turned into `out`, (3, width, height) if transposed.
void Turn(const float* in, int64_t width, int64_t height, const Orientation& orientation,
          float* out);

}  // namespace t3
