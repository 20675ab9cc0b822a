// Which video encoders FFmpeg has.
#pragma once

#include <span>
#include <string>

#include "media/ffmpeg/av.h"

namespace t3 {

// The pixel formats that the encoder takes, as it lists them; empty when it lists none.
std::span<const AVPixelFormat> PixelFormatsOf(const AVCodec& encoder);

// Whether frames can be written in this format: limited-range YUV or RGB without alpha.
bool CanWrite(AVPixelFormat format);

// Names of the encoders that the container takes and frames can be written for, separated by
// commas; those that need hardware apart, since opening them to see loads drivers.
std::string UsableEncoders(const AVOutputFormat& container);

}  // namespace t3
