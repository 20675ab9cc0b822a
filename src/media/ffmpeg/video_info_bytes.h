// VideoInfo as bytes, from one process to another.
#pragma once

#include <cstddef>
#include <string>

#include "media/video_reader.h"

namespace t3 {

std::string PackInfo(const VideoInfo& info);
VideoInfo UnpackInfo(const std::string& bytes);

// Of a frame as Read gives it.
inline size_t FrameBytes(const VideoInfo& info) {
  return static_cast<size_t>(3 * info.width * info.height) * sizeof(float);
}

}  // namespace t3
