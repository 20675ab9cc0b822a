// Field means of each channel, through a temporary file.
#include "score/run/thumbnail.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/read_text.h"
#include "base/temporary.h"
#include "media/png_file.h"
#include "score/plane.h"

namespace t3 {

std::string ThumbnailOf(const ScoreFrame& frame) {
  constexpr int64_t kWidth = 160;
  const int64_t width = std::min(kWidth, frame.width);
  const int64_t height = std::max<int64_t>(1, frame.height * width / frame.width);
  std::array<Plane, 3> planes;
  FrameView view{width, height, {}, width};
  for (size_t channel = 0; channel < planes.size(); ++channel) {
    const float* const full = frame.rgb + static_cast<int64_t>(channel) * frame.pixels();
    planes[channel] = FieldMeans({frame.width, frame.height, full}, width, height);
    view.planes[channel] = planes[channel].data.data();
  }
  const Temporary file = Temporary::File(std::filesystem::temp_directory_path() / "thumbnail.png");
  WritePng(file.path(), ToPng(view, 8, {}, 1));
  return ReadText(file.path());
}

}  // namespace t3
