// Clips from a file and from a spool.
#include "pipeline/source_clip.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "media/cover_resize.h"
#include "media/video_source.h"

namespace t3 {
namespace {

class FileReader : public SourceReader {
 public:
  FileReader(const std::string& path, const SourceOptions& options)
      : source_(path, options), last_(static_cast<size_t>(3 * options.width * options.height)) {}

  void Next(float* rgb) override {
    if (!ended_) ended_ = !source_.Next(last_.data());
    std::copy(last_.begin(), last_.end(), rgb);
  }

 private:
  VideoSource source_;
  std::vector<float> last_;
  bool ended_ = false;
};

class FileSourceClip : public SourceClip {
 public:
  FileSourceClip(std::string path, const SourceOptions& options)
      : path_(std::move(path)), options_(options) {}
  std::unique_ptr<SourceReader> Read() const override {
    return std::make_unique<FileReader>(path_, options_);
  }
  int64_t width() const override { return options_.width; }
  int64_t height() const override { return options_.height; }

 private:
  std::string path_;
  SourceOptions options_;
};

class SpoolReader : public SourceReader {
 public:
  SpoolReader(std::shared_ptr<const RowSpool> spool, int64_t frames, int64_t width, int64_t height)
      : spool_(std::move(spool)),
        frames_(frames),
        small_(static_cast<size_t>(3 * spool_->height() * spool_->width())),
        resize_(spool_->width(), spool_->height(), /*pixel_aspect=*/1, width, height) {}

  void Next(float* rgb) override {
    spool_->ReadFrame(std::min(next_++, frames_ - 1), small_.data());
    resize_.Resize(small_.data(), rgb, at::get_num_threads());
  }

 private:
  std::shared_ptr<const RowSpool> spool_;
  int64_t frames_;
  std::vector<float> small_;
  CoverResize resize_;
  int64_t next_ = 0;
};

class SpoolSourceClip : public SourceClip {
 public:
  SpoolSourceClip(std::shared_ptr<const RowSpool> spool, int64_t frames, int64_t width,
                  int64_t height)
      : spool_(std::move(spool)), frames_(frames), width_(width), height_(height) {}
  std::unique_ptr<SourceReader> Read() const override {
    return std::make_unique<SpoolReader>(spool_, frames_, width_, height_);
  }
  int64_t width() const override { return width_; }
  int64_t height() const override { return height_; }

 private:
  std::shared_ptr<const RowSpool> spool_;
  int64_t frames_;
  int64_t width_;
  int64_t height_;
};

}  // namespace

std::unique_ptr<SourceClip> FileClip(const std::string& path, int64_t width, int64_t height,
                                     double fps, int64_t frames) {
  SourceOptions options;
  options.width = width;
  options.height = height;
  options.fps = fps;
  options.max_frames = frames;
  return std::make_unique<FileSourceClip>(path, options);
}

std::unique_ptr<SourceClip> SpooledClip(std::shared_ptr<const RowSpool> spool, int64_t frames,
                                        int64_t width, int64_t height) {
  return std::make_unique<SpoolSourceClip>(std::move(spool), frames, width, height);
}

}  // namespace t3
