// Checks of video settings that need no encoder.
#include "media/video_settings.h"

#include <cmath>

#include "base/check.h"

namespace t3 {

FrameRate ExactFrameRate(double fps) {
  if (!(fps >= 0.001 && fps <= 1000)) FailUsage("fps is {}: wanted 0.001 to 1000", fps);
  const double whole = std::round(fps);
  if (std::abs(fps - whole) < 1e-6) return {static_cast<int64_t>(whole), 1};
  const double ntsc = std::round(fps * 1.001);
  if (ntsc >= 1 && std::abs(fps - ntsc / 1.001) < 0.005) {
    return {static_cast<int64_t>(ntsc) * 1000, 1001};
  }
  FrameRate best{1, 1};
  double best_error = HUGE_VAL;
  for (int64_t denominator = 1; denominator <= 1000; ++denominator) {
    const double numerator = std::round(fps * static_cast<double>(denominator));
    const double error = std::abs(fps - numerator / static_cast<double>(denominator));
    if (error < best_error - 1e-9) {
      best = {static_cast<int64_t>(numerator), denominator};
      best_error = error;
    }
  }
  return best;
}

void CheckSettings(const std::string& path, const VideoSettings& settings) {
  constexpr int64_t kMaxSide = 32768;
  if (settings.width < 1 || settings.height < 1 || settings.width > kMaxSide ||
      settings.height > kMaxSide) {
    FailUsage("{}: a video of {}x{} pixels cannot be written, wanted 1 to {} each way", path,
              settings.width, settings.height, kMaxSide);
  }
  ExactFrameRate(settings.fps);
}

void CheckNoEncoderOptions(const std::string& path, const VideoSettings& settings) {
  if (!settings.codec.empty()) {
    FailUsage(
        "{} holds uncompressed or PNG frames and has no encoder to choose ('{}'); leave it out, or "
        "write .mp4, .mkv, .mov or .webm",
        path, settings.codec);
  }
  if (settings.crf) {
    FailUsage(
        "{} is written without loss and has no quality setting (crf {}); leave it out, or write "
        ".mp4, .mkv, .mov or .webm",
        path, *settings.crf);
  }
}

void CheckFrame(const std::string& path, const VideoSettings& settings, const FrameView& frame) {
  T3_CHECK(frame.width == settings.width && frame.height == settings.height,
           "{}: a frame of {}x{} pixels came for a video of {}x{}", path, frame.width, frame.height,
           settings.width, settings.height);
}

}  // namespace t3
