// Choosing a reader by what the path is.
#include "media/video_reader.h"

#include <filesystem>

#include "base/check.h"
#include "media/backends.h"

namespace t3 {
namespace fs = std::filesystem;

std::unique_ptr<VideoReader> VideoReader::Open(const std::string& path) {
  std::error_code ignored;
  T3_CHECK(fs::exists(path, ignored), "cannot read {}: there is no such file or folder", path);
  if (fs::is_directory(path, ignored)) return OpenFrameFolderReader(path);
  if (fs::path(path).extension() == ".y4m") return OpenY4mReader(path);
  return OpenContainerReader(path);
}

std::vector<double> VideoReader::EvenTimes(int64_t frames, double otherwise_fps) const {
  const double fps = info_.fps > 0 ? info_.fps : otherwise_fps;
  std::vector<double> times;
  for (int64_t i = 0; i < frames; ++i) times.push_back(static_cast<double>(i) / fps);
  return times;
}

}  // namespace t3
