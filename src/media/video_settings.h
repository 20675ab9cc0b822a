// How a video is to be written, and the checks that all writers share.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "media/frame.h"

namespace t3 {

struct VideoSettings {
  int64_t width = 0;         // pixels
  int64_t height = 0;        // pixels
  int64_t frames = 0;        // how many will come; 0: not known
  double fps = 24;           // 23.976, 29.97, ... become 24000/1001, 30000/1001, ...
  std::string codec;         // an FFmpeg encoder; empty: the container's default
  std::optional<int> crf;    // constant quality, on the encoder's own scale
  std::string pixel_format;  // FFmpeg's name; empty: 4:2:0 8-bit, or what fits
  std::map<std::string, std::string> metadata;  // GIF, WebP and Y4M hold `comment` alone
  int threads = 0;                              // of conversion and encoder; 0: one a core
  std::string
      audio_from;  // a video whose sound the file gets, as long as the frames last; or empty
  double audio_start = 0;  // seconds of that video's picture at which its sound begins
};

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
