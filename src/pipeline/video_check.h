// Reads a finished video back: is it complete, and does it show anything?
#pragma once

#include <string>
#include <vector>

#include "plan/geometry.h"

namespace t3 {

// Reads every frame of the video in `path`. Throws Error when a frame is missing or broken, or when
// the size differs. Returns a warning for a video that is black, or of one colour in every frame.
std::vector<std::string> CheckVideo(const std::string& path, const VideoGeometry& geometry);

}  // namespace t3
