// Choosing, setting up and opening a video encoder.
#pragma once

#include <string>

#include "media/ffmpeg/av.h"
#include "media/video_writer.h"

namespace t3 {

// The opened encoder for a file of `container`. Throws Error of kind kUsage when FFmpeg lacks the
// encoder, the container does not take it, or it refuses pixel format, quality or size; messages
// list what would do. `path` is for messages.
AvPtr<AVCodecContext> OpenEncoder(const std::string& path, const AVOutputFormat& container,
                                  const VideoSettings& settings);

}  // namespace t3
