// Color matching frame by frame.
#include "pipeline/color_writer.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "media/color_match.h"

namespace t3 {
namespace {

class ColorWriter : public VideoWriter {
 public:
  ColorWriter(std::unique_ptr<VideoWriter> writer, std::shared_ptr<const SourceClip> colors,
              const VideoGeometry& geometry)
      : writer_(std::move(writer)),
        colors_(std::move(colors)),
        geometry_(geometry),
        reader_(colors_->Read()),
        match_(geometry.width, geometry.height),
        generated_(static_cast<size_t>(3 * colors_->width() * colors_->height())),
        source_(static_cast<size_t>(3 * geometry.width * geometry.height)),
        frame_(source_.size()) {}

  void Write(const FrameView& frame) override {
    reader_->Next(generated_.data());
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t y = 0; y < geometry_.height; ++y) {
        const int64_t to = (c * geometry_.height + y) * geometry_.width;
        const int64_t from =
            (c * colors_->height() + y + geometry_.crop_y) * colors_->width() + geometry_.crop_x;
        std::copy_n(generated_.data() + from, geometry_.width, source_.data() + to);
        std::copy_n(frame.planes[c] + y * frame.row_stride, geometry_.width, frame_.data() + to);
      }
    }
    match_.Match(source_.data(), frame_.data(), at::get_num_threads());
    writer_->Write(Matched());
  }
  void Finish() override { writer_->Finish(); }

 private:
  FrameView Matched() const {
    FrameView view;
    view.width = view.row_stride = geometry_.width;
    view.height = geometry_.height;
    for (int64_t c = 0; c < 3; ++c)
      view.planes[c] = frame_.data() + c * geometry_.height * geometry_.width;
    return view;
  }

  std::unique_ptr<VideoWriter> writer_;
  std::shared_ptr<const SourceClip> colors_;
  VideoGeometry geometry_;
  std::unique_ptr<SourceReader> reader_;
  ColorMatch match_;
  std::vector<float> generated_;  // the source's frame as generated
  std::vector<float> source_;     // cropped
  std::vector<float> frame_;
};

}  // namespace

std::unique_ptr<VideoWriter> MatchingWriter(std::unique_ptr<VideoWriter> writer,
                                            std::shared_ptr<const SourceClip> colors,
                                            const VideoGeometry& geometry) {
  return std::make_unique<ColorWriter>(std::move(writer), std::move(colors), geometry);
}

}  // namespace t3
