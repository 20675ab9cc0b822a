// Clips from a file and from a spool.
#include "pipeline/source_clip.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "media/video_source.h"
#include "pipeline/frame_codes.h"
#include "runtime/device.h"

namespace t3 {
namespace {

class FileReader : public SourceReader {
 public:
  FileReader(const std::string& path, const SourceOptions& options) : source_(path, options) {}
  bool Next(const at::Tensor& frame) override {
    return source_.Next(frame.mutable_data_ptr<float>());
  }

 private:
  VideoSource source_;
};

class FileSourceClip : public SourceClip {
 public:
  FileSourceClip(SourceFile file, int64_t width, int64_t height)
      : SourceClip(width, height), file_(std::move(file)) {}
  std::unique_ptr<SourceReader> Read() const override {
    SourceOptions options;
    options.fps = file_.fps;
    options.max_frames = file_.frames;
    return std::make_unique<FileReader>(file_.path, options);
  }
  int64_t source_width() const override { return file_.width; }
  int64_t source_height() const override { return file_.height; }
  bool generated() const override { return false; }

 private:
  SourceFile file_;
};

class SpoolReader : public SourceReader {
 public:
  SpoolReader(std::shared_ptr<const RowSpool> spool, int64_t frames)
      : spool_(std::move(spool)), frames_(frames) {}
  bool Next(const at::Tensor& frame) override {
    if (next_ == frames_) return false;
    const at::Tensor codes = at::empty(frame.sizes(), at::kShort);
    spool_->Read(next_++, codes.mutable_data_ptr<int16_t>());
    frame.copy_(FrameValues(codes));
    return true;
  }

 private:
  std::shared_ptr<const RowSpool> spool_;
  int64_t frames_;
  int64_t next_ = 0;
};

class SpoolSourceClip : public SourceClip {
 public:
  SpoolSourceClip(std::shared_ptr<const RowSpool> spool, int64_t frames, int64_t width,
                  int64_t height)
      : SourceClip(width, height), spool_(std::move(spool)), frames_(frames) {}
  std::unique_ptr<SourceReader> Read() const override {
    return std::make_unique<SpoolReader>(spool_, frames_);
  }
  int64_t source_width() const override { return spool_->width(); }
  int64_t source_height() const override { return spool_->height(); }
  bool generated() const override { return true; }

 private:
  std::shared_ptr<const RowSpool> spool_;
  int64_t frames_;
};

}  // namespace

ClipPass::ClipPass(const SourceClip& clip, at::Device device)
    : device_(device),
      reader_(clip.Read()),
      read_(device.is_cuda() ? 2 : 1),
      scaler_(clip.source_width(), clip.source_height(), clip.width(), clip.height(), device,
              device.is_cuda()) {
  // Page-locked: the host does not wait for the copy of other memory.
  const auto options = at::TensorOptions().dtype(at::kFloat).pinned_memory(device.is_cuda());
  for (HostFrame& frame : read_)
    frame.pixels = at::empty({3, clip.source_height(), clip.source_width()}, options);
}

at::Tensor ClipPass::Next() {
  HostFrame& frame = read_[next_];
  if (frame.uploaded) frame.uploaded();
  if (!reader_->Next(frame.pixels)) {
    T3_CHECK(latest_.defined(), "a clip has no frames");
    return latest_;
  }
  latest_ = scaler_.Scale(frame.pixels);
  frame.uploaded = WhenDone(device_);
  next_ = (next_ + 1) % read_.size();
  return latest_;
}

std::unique_ptr<SourceClip> FileClip(const SourceFile& file, int64_t width, int64_t height) {
  return std::make_unique<FileSourceClip>(file, width, height);
}

std::unique_ptr<SourceClip> SpooledClip(std::shared_ptr<const RowSpool> spool, int64_t frames,
                                        int64_t width, int64_t height) {
  return std::make_unique<SpoolSourceClip>(std::move(spool), frames, width, height);
}

}  // namespace t3
