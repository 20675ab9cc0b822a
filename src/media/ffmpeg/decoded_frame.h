// The colours and the orientation of a decoded AVFrame.
#pragma once

#include <cstdint>

#include "media/ffmpeg/av.h"
#include "media/orientation.h"

namespace t3 {

// The frame's tags, or `untagged` where it has none; grey without a range is full range, as in
// FFmpeg.
YuvColor ColorOf(const AVFrame& frame, const YuvColor& untagged);

// The pixels as (3, height, width) fp32 in [-1, 1], not turned; HDR and wide gamuts as BT.709 shows
// them (media/hdr_to_sdr.h). Formats without a PixelLayout go through swscale to 16-bit RGB. Throws
// Error for pixels or colours that cannot be converted.
void FrameToRgb(const AVFrame& frame, const YuvColor& untagged, float* rgb, int threads);

// From the 3x3 display matrix of FFmpeg (nine int32); anything but quarter turns counts as upright.
Orientation OrientationOf(const int32_t* display_matrix);

}  // namespace t3
