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

}  // namespace t3
