// A picture as a video of one frame.
#include <utility>

#include "media/backends.h"
#include "media/image.h"
#include "media/video_reader.h"

namespace t3 {
namespace {

class PictureReader : public VideoReader {
 public:
  explicit PictureReader(Image image) : image_(std::move(image)) {
    info_.width = image_.width;
    info_.height = image_.height;
    info_.frames = 1;
  }
  bool Read(float* rgb) override {
    if (std::exchange(read_, true)) return false;
    ToPlanes(image_, rgb);
    return true;
  }
  std::vector<double> FrameTimes(double) override { return {0}; }
  void SeekTo(int64_t index) override { read_ = index > 0; }

 private:
  Image image_;
  bool read_ = false;
};

}  // namespace

std::unique_ptr<VideoReader> OpenPictureReader(const std::string& path) {
  return std::make_unique<PictureReader>(ReadImage(path));
}

}  // namespace t3
