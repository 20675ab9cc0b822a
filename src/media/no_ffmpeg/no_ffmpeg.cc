// The backends of a build without FFmpeg.
#include "base/check.h"
#include "media/backends.h"
#include "media/image.h"
#include "media/video_reader.h"
#include "media/video_settings.h"
#include "media/video_writer.h"

namespace t3 {

std::unique_ptr<VideoWriter> OpenContainerWriter(const std::string& path, const VideoSettings&) {
  FailUsage(
      "cannot write {}: this build has no FFmpeg, so it writes .y4m, .png and folders of PNG "
      "frames only; install libavcodec-dev, libavformat-dev, libavutil-dev, libswresample-dev, "
      "libswscale-dev and build again",
      path);
}

std::unique_ptr<VideoReader> OpenContainerReader(const std::string& path) {
  Fail("cannot read {}: this build has no FFmpeg, so it reads .y4m and folders of PNG frames only",
       path);
}

std::unique_ptr<VideoReader> OpenIsolatedReader(const std::string& path) {
  return OpenContainerReader(path);
}

bool HasAudio(const std::string&) { return false; }

Image DecodeCompressedImage(const std::string& path, std::span<const std::byte>,
                            std::vector<uint8_t>*) {
  Fail("cannot read {}: it is not a PNG, and this build has no FFmpeg to read other images", path);
}

}  // namespace t3
