// The clip that a video starts from.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/frame_ops.h"
#include "pipeline/row_spool.h"

namespace t3 {

// Frames of a clip in order, at its own size.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  // The next frame into `frame`, (3,height,width) fp32 on the host, nominally in [-1,1]; false
  // after the end.
  virtual bool Next(const at::Tensor& frame) = 0;
};

class SourceClip {
 public:
  // Scaled to cover width x height, and cropped at the center.
  SourceClip(int64_t width, int64_t height) : width_(width), height_(height) {}
  virtual ~SourceClip() = default;
  // From the first frame on. Throws Error where the file cannot be read.
  virtual std::unique_ptr<SourceReader> Read() const = 0;
  virtual int64_t source_width() const = 0;
  virtual int64_t source_height() const = 0;
  virtual bool generated() const = 0;  // by a model, and decoded
  int64_t width() const { return width_; }
  int64_t height() const { return height_; }

 private:
  int64_t width_;
  int64_t height_;
};

// One pass over a clip's scaled frames on a device. On a GPU the host reads ahead of it: a frame is
// uploaded and scaled behind the work that the device has.
class ClipPass {
 public:
  ClipPass(const SourceClip& clip, at::Device device);
  // The next frame, (3,height,width) fp32 in [-1,1]; the last one again after the end, because a
  // clip is encoded to 4n+1 frames. Not to be changed.
  at::Tensor Next();

 private:
  // Where a frame is read to.
  struct HostFrame {
    at::Tensor pixels;
    std::function<void()> uploaded;  // returns once `pixels` can be filled again
  };

  at::Device device_;
  std::unique_ptr<SourceReader> reader_;
  std::vector<HostFrame> read_;  // in turn
  size_t next_ = 0;              // of read_
  FrameScaler scaler_;
  at::Tensor latest_;  // scaled
};

// `frames` of a video file at `fps`; source_width x source_height as VideoSource gives them.
struct SourceFile {
  std::string path;
  int64_t width = 0;
  int64_t height = 0;
  double fps = 0;
  int64_t frames = 0;
};
std::unique_ptr<SourceClip> FileClip(const SourceFile& file, int64_t width, int64_t height);

// `frames` of a spool, which holds what was generated.
std::unique_ptr<SourceClip> SpooledClip(std::shared_ptr<const RowSpool> spool, int64_t frames,
                                        int64_t width, int64_t height);

}  // namespace t3
