// A source clip of frames in memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "pipeline/source_clip.h"

namespace t3 {

// Of a video (3,F,H,W), scaled to width x height.
class TensorClip : public SourceClip {
 public:
  explicit TensorClip(const at::Tensor& video) : TensorClip(video, video.size(3), video.size(2)) {}
  TensorClip(const at::Tensor& video, int64_t width, int64_t height)
      : SourceClip(width, height), video_(video) {}
  std::unique_ptr<SourceReader> Read() const override {
    class Reader : public SourceReader {
     public:
      explicit Reader(const at::Tensor& video) : video_(video) {}
      bool Next(const at::Tensor& frame) override {
        if (next_ == video_.size(1)) return false;
        frame.copy_(video_.select(1, next_++));
        return true;
      }

     private:
      at::Tensor video_;
      int64_t next_ = 0;
    };
    return std::make_unique<Reader>(video_);
  }
  int64_t source_width() const override { return video_.size(3); }
  int64_t source_height() const override { return video_.size(2); }
  bool generated() const override { return false; }

 private:
  at::Tensor video_;
};

}  // namespace t3
