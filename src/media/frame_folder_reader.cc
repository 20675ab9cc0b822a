// PNG files as the frames of a video.
#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/check.h"
#include "media/backends.h"
#include "media/pixel_convert.h"
#include "media/png_file.h"
#include "media/video_reader.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

class PngFrameReader : public VideoReader {
 public:
  explicit PngFrameReader(std::vector<std::string> files) : files_(std::move(files)) {
    const PngPicture first = ReadPng(files_.front(), /*keep_16_bits=*/true);
    info_.width = first.width;
    info_.height = first.height;
    info_.frames = static_cast<int64_t>(files_.size());
    info_.metadata = first.text;
  }

  bool Read(float* rgb) override {
    if (next_ == files_.size()) return false;
    const std::string& file = files_[next_++];
    const PngPicture picture = ReadPng(file, /*keep_16_bits=*/true);
    T3_CHECK(picture.width == info_.width && picture.height == info_.height,
             "{}: a picture of {}x{} pixels among frames of {}x{}", file, picture.width,
             picture.height, info_.width, info_.height);
    ConstPlanes planes;
    planes.data[0] = picture.data.data();
    planes.stride[0] = picture.width * 3 * picture.bits / 8;
    UnpackFrame(planes, picture.width, picture.height, PackedRgbLayout(picture.bits), YuvColor{},
                rgb, ThreadCount(0));
    return true;
  }

  std::vector<double> FrameTimes(double otherwise_fps) override {
    return EvenTimes(static_cast<int64_t>(files_.size()), otherwise_fps);
  }

  void SeekTo(int64_t index) override {
    next_ = std::min(static_cast<size_t>(index), files_.size());
  }

 private:
  std::vector<std::string> files_;
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<VideoReader> OpenFrameFolderReader(const std::string& path) {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (entry.path().extension() == ".png") files.push_back(entry.path().string());
  }
  T3_CHECK(!files.empty(), "cannot read {}: the folder holds no .png file", path);
  std::sort(files.begin(), files.end());
  return std::make_unique<PngFrameReader>(std::move(files));
}

std::unique_ptr<VideoReader> OpenPngReader(const std::string& path) {
  return std::make_unique<PngFrameReader>(std::vector{path});
}

}  // namespace t3
