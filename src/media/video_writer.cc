// Chooses a writer by the extension.
#include "media/video_writer.h"

#include <filesystem>

#include "base/check.h"
#include "media/backends.h"
#include "media/extension.h"
#include "media/video_settings.h"

namespace t3 {
namespace fs = std::filesystem;

namespace {

// A writer of files that have no place for sound.
std::unique_ptr<VideoWriter> Silent(const std::string& path, const VideoSettings& settings,
                                    std::unique_ptr<VideoWriter> writer) {
  if (!settings.audio_from.empty() && HasAudio(settings.audio_from)) {
    writer->AddNote(fmt::format("the sound of {} is left out: {} has no place for it",
                                settings.audio_from, path));
  }
  return writer;
}

std::unique_ptr<VideoWriter> OpenByName(const std::string& path, const VideoSettings& settings) {
  std::error_code ignored;
  if (path.ends_with('/') || fs::is_directory(path, ignored)) {
    return OpenFrameFolderWriter(path, settings);
  }
  const std::string extension = Extension(path);
  if (extension == ".y4m") return OpenY4mWriter(path, settings);
  if (extension == ".png") return OpenPngWriter(path, settings);
  for (const char* container : {".mp4", ".mkv", ".mov", ".webm", ".gif", ".webp"}) {
    if (extension == container) return OpenContainerWriter(path, settings);
  }
  FailUsage(
      "cannot tell what to write from the name {}: wanted a video (.mp4, .mkv, .mov, .webm, .y4m), "
      "an animation (.gif, .webp), a picture (.png, one frame), or a folder, whose name ends in "
      "'/' ({}/)",
      path, path);
}

}  // namespace

void VideoWriter::WriteSamples(const ConstPlanes& /*samples*/) {
  Fail("a writer of frames was given samples");
}

std::unique_ptr<VideoWriter> OpenVideoWriter(const std::string& path,
                                             const VideoSettings& settings) {
  CheckSettings(path, settings);
  auto writer = OpenByName(path, settings);
  const std::string extension = Extension(path);
  for (const char* container : {".mp4", ".mkv", ".mov", ".webm"}) {
    if (extension == container && !path.ends_with('/')) return writer;
  }
  return Silent(path, settings, std::move(writer));
}

std::vector<std::string> CheckVideoTarget(const std::string& path, const VideoSettings& settings) {
  return OpenVideoWriter(path, settings)->notes();
}

}  // namespace t3
