// The frames of a clip, one in memory at a time, with their luma.
#pragma once

#include <string>
#include <vector>

#include "media/video_source.h"
#include "score/plane.h"

namespace t3 {

class ClipFrames {
 public:
  // Throws Error as VideoSource does.
  explicit ClipFrames(const std::string& path) : source_(path, {}) {
    const auto pixels = static_cast<size_t>(info().width * info().height);
    rgb_.resize(3 * pixels), luma_.resize(pixels);
  }
  const SourceInfo& info() const { return source_.info(); }
  // Throws Error where the frame cannot be decoded.
  void Next() {
    source_.Next(rgb_.data());
    LumaOf(rgb_.data(), std::ssize(luma_), luma_.data());
  }
  const float* rgb() const { return rgb_.data(); }
  const float* luma() const { return luma_.data(); }

 private:
  VideoSource source_;
  std::vector<float> rgb_, luma_;
};

}  // namespace t3
