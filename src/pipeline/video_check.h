// Reading a finished video back: is it all there, does it show anything.
#pragma once

#include <string>
#include <vector>

#include "plan/geometry.h"

namespace t3 {

// Reads every frame of the video in `path`. Throws Error when a frame is missing or broken, or the
// size is another. Returns what is odd about the picture: that it is black, or of one colour.
std::vector<std::string> CheckVideo(const std::string& path, const VideoGeometry& geometry);

}  // namespace t3
