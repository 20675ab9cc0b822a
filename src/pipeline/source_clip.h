// The clip that a video starts from, at the size that the model generates.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pipeline/row_spool.h"

namespace t3 {

// One pass over a clip.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  // The next frame, (3,height,width) fp32, nominally in [-1,1]. After the end the last frame again,
  // because a clip is encoded to 4n+1 frames.
  virtual void Next(float* rgb) = 0;
};

class SourceClip {
 public:
  virtual ~SourceClip() = default;
  // From the first frame on. Throws Error where the file cannot be read.
  virtual std::unique_ptr<SourceReader> Read() const = 0;
  virtual int64_t width() const = 0;
  virtual int64_t height() const = 0;
};

// `frames` of a video file at `fps`, scaled to cover width x height and cropped at the center.
std::unique_ptr<SourceClip> FileClip(const std::string& path, int64_t width, int64_t height,
                                     double fps, int64_t frames);

// `frames` of a spool, scaled likewise.
std::unique_ptr<SourceClip> SpooledClip(std::shared_ptr<const RowSpool> spool, int64_t frames,
                                        int64_t width, int64_t height);

}  // namespace t3
