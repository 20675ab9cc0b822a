// Choosing a writer by the name of the file.
#include "media/video_writer.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/check.h"
#include "media/backends.h"
#include "media/video_settings.h"

namespace t3 {
namespace fs = std::filesystem;

std::unique_ptr<VideoWriter> OpenVideoWriter(const std::string& path,
                                             const VideoSettings& settings) {
  CheckSettings(path, settings);
  std::error_code ignored;
  if (path.ends_with('/') || fs::is_directory(path, ignored)) {
    return OpenFrameFolderWriter(path, settings);
  }
  std::string extension = fs::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (extension == ".y4m") return OpenY4mWriter(path, settings);
  for (const char* container : {".mp4", ".mkv", ".mov", ".webm"}) {
    if (extension == container) return OpenContainerWriter(path, settings);
  }
  FailUsage(
      "cannot tell what to write from the name {}: a video ends in .mp4, .mkv, .mov, .webm or "
      ".y4m, and a folder of PNG frames in '/'",
      path);
}

void CheckVideoTarget(const std::string& path, const VideoSettings& settings) {
  OpenVideoWriter(path, settings);
}

}  // namespace t3
