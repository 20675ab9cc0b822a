// Which video encoders FFmpeg has.
#pragma once

#include <span>
#include <string>

#include "media/ffmpeg/av.h"

namespace t3 {

// The pixel formats that the encoder accepts, as it lists them; empty when it lists none.
std::span<const AVPixelFormat> PixelFormatsOf(const AVCodec& encoder);

// Whether frames can be given to the encoder in this format: limited-range YUV or RGB without
// alpha, and for GIF a palette.
bool CanWrite(const AVCodec& encoder, AVPixelFormat format);

// Names of the encoders that the container and CanWrite allow, separated by commas. Those that need
// hardware are listed apart and not tried: opening them loads drivers.
std::string UsableEncoders(const AVOutputFormat& container);

}  // namespace t3
