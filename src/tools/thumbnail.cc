// A small picture of a video.
#include <cmath>
#include <vector>

#include "base/atomic_file.h"
#include "base/check.h"
#include "media/image.h"
#include "media/png_file.h"
#include "media/video_reader.h"
#include "t3video/tools.h"

namespace t3 {

void WriteThumbnail(const std::string& video, const std::string& output, int64_t max_width) {
  const auto reader = VideoReader::Open(video);
  const VideoInfo& info = reader->info();
  std::vector<float> rgb(static_cast<size_t>(3 * info.width * info.height));
  T3_CHECK(reader->Read(rgb.data()), "{} has no frame", video);
  Image frame = ImageOfPlanes(rgb.data(), info.width, info.height);
  if (frame.width > max_width) {
    const double scale = static_cast<double>(max_width) / static_cast<double>(frame.width);
    const auto height = std::llround(static_cast<double>(frame.height) * scale);
    frame = ResizeLanczos(frame, max_width, std::max<int64_t>(1, height));
  }
  AtomicFile file(output);
  WritePng(file.temporary(), {frame.width, frame.height, 8, std::move(frame.rgb), {}});
  file.Commit();
}

}  // namespace t3
