// Checks that all video writers share.
#pragma once

#include <cstdint>
#include <string>

#include "media/video_writer.h"

namespace t3 {

struct FrameRate {
  int64_t numerator = 0;
  int64_t denominator = 1;
};

// The rate that is meant: a whole number or n*1000/1001 where within 0.005, otherwise the nearest
// fraction with a denominator up to 1000. Throws Error of kind kUsage unless 0.001 <= fps <= 1000.
FrameRate ExactFrameRate(double fps);

// Throws Error of kind kUsage unless width, height and fps are within the limits of a video.
void CheckSettings(const std::string& path, const VideoSettings& settings);

// Throws Error of kind kUsage when encoder options are given for a file that has no encoder.
void CheckNoEncoderOptions(const std::string& path, const VideoSettings& settings);

// Throws Error when the size of `frame` differs from the one that the file was opened with.
void CheckFrame(const std::string& path, const VideoSettings& settings, const FrameView& frame);

}  // namespace t3
