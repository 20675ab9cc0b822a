// Choosing a reader by what the path is, and making pixels square.
#include "media/video_reader.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "media/backends.h"
#include "media/extension.h"
#include "media/image.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// Stretches the width of another reader's frames, as players do; through 8 bits, like all resizing
// here.
class SquarePixels : public VideoReader {
 public:
  SquarePixels(std::unique_ptr<VideoReader> stored, int64_t width) : stored_(std::move(stored)) {
    info_ = stored_->info();
    info_.width = width;
    frame_.resize(static_cast<size_t>(3 * stored_->info().width * info_.height));
  }
  bool Read(float* rgb) override {
    if (!stored_->Read(frame_.data())) return false;
    const Image image = ImageOfPlanes(frame_.data(), stored_->info().width, info_.height);
    ToPlanes(ResizeLanczos(image, info_.width, info_.height), rgb);
    return true;
  }
  std::vector<double> FrameTimes(double otherwise_fps) override {
    return stored_->FrameTimes(otherwise_fps);
  }
  void SeekTo(int64_t index) override { stored_->SeekTo(index); }

 private:
  std::unique_ptr<VideoReader> stored_;
  std::vector<float> frame_;
};

std::unique_ptr<VideoReader> WithSquarePixels(const std::string& path,
                                              std::unique_ptr<VideoReader> stored) {
  const VideoInfo& info = stored->info();
  const double shown =
      std::max(1.0, std::round(static_cast<double>(info.width) * info.pixel_aspect));
  if (shown == static_cast<double>(info.width)) return stored;
  T3_CHECK(shown * static_cast<double>(info.height) <= static_cast<double>(kMaxPixels),
           "cannot read {}: its pixel aspect ratio of {:.4g} makes frames of {:.0f}x{} pixels",
           path, info.pixel_aspect, shown, info.height);
  return std::make_unique<SquarePixels>(std::move(stored), static_cast<int64_t>(shown));
}

std::unique_ptr<VideoReader> OpenAsStored(const std::string& path, bool own) {
  std::error_code ignored;
  T3_CHECK(fs::exists(path, ignored), "cannot read {}: there is no such file or folder", path);
  if (fs::is_directory(path, ignored)) return OpenFrameFolderReader(path);
  // Opening a pipe waits for its writer, and videos are read more than once.
  T3_CHECK(fs::is_regular_file(path, ignored),
           "cannot read {}: it is a pipe or a device; save the video to a file first", path);
  const std::string extension = Extension(path);
  if (extension == ".y4m") return OpenY4mReader(path);
  if (extension == ".png") return OpenPngReader(path);
  if (extension == ".webp") return OpenWebpReader(path);
  return own ? OpenContainerReader(path) : OpenIsolatedReader(path);
}

}  // namespace

std::unique_ptr<VideoReader> VideoReader::Open(const std::string& path) {
  return WithSquarePixels(path, OpenAsStored(path, /*own=*/false));
}

std::unique_ptr<VideoReader> VideoReader::OpenStored(const std::string& path) {
  return OpenAsStored(path, /*own=*/false);
}

std::unique_ptr<VideoReader> VideoReader::OpenOwn(const std::string& path) {
  return WithSquarePixels(path, OpenAsStored(path, /*own=*/true));
}

std::vector<double> VideoReader::EvenTimes(int64_t frames, double otherwise_fps) const {
  const double fps = info_.fps > 0 ? info_.fps : otherwise_fps;
  std::vector<double> times;
  for (int64_t i = 0; i < frames; ++i) times.push_back(static_cast<double>(i) / fps);
  return times;
}

}  // namespace t3
