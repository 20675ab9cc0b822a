// Reads back through the media readers.
#include "pipeline/video_check.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "media/video_reader.h"

namespace t3 {
namespace {

constexpr float kLevel = 2.0F / 255;        // one code of 8 bits
constexpr float kBlack = -1 + 16 * kLevel;  // looks black on every screen
constexpr float kOneColour = 4 * kLevel;    // coding noise around one colour

}  // namespace

std::vector<std::string> CheckVideo(const std::string& path, const VideoGeometry& geometry) {
  const auto reader = VideoReader::OpenOwn(path);
  const VideoInfo& info = reader->info();
  T3_CHECK(info.width == geometry.width && info.height == geometry.height,
           "{} was written with {}x{} pixels, but reads back with {}x{}", path, geometry.width,
           geometry.height, info.width, info.height);
  const size_t plane = static_cast<size_t>(info.width * info.height);
  std::vector<float> frame(3 * plane);
  int64_t frames = 0;
  float brightest = -1;
  float widest = 0;  // range of one channel within one frame
  for (; reader->Read(frame.data()); ++frames) {
    for (size_t channel = 0; channel < 3; ++channel) {
      const auto first = frame.begin() + static_cast<std::ptrdiff_t>(channel * plane);
      const auto [low, high] =
          std::minmax_element(first, first + static_cast<std::ptrdiff_t>(plane));
      brightest = std::max(brightest, *high);
      widest = std::max(widest, *high - *low);
    }
  }
  T3_CHECK(frames == geometry.frames, "{} was written with {}, but reads back with {}", path,
           Counted(geometry.frames, "frame"), frames);
  if (brightest < kBlack) return {"the video is black in every frame"};
  if (widest < kOneColour) return {"every frame of the video is of one colour"};
  return {};
}

}  // namespace t3
