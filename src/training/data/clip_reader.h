// The frames of a clip, as the VAE takes them.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "media/image.h"
#include "media/video_reader.h"
#include "training/data/clip_plan.h"
#include "training/data/source_list.h"

namespace t3 {

// The clips of a source; decodes images, but no videos. Throws Error that says why the source
// cannot be used.
std::vector<Clip> ClipsOf(const Source& source, const ClipSettings& settings);

// Decodes the clips of one source, frame by frame, so that 4K clips need not fit memory. The source
// is opened once, and the index of a video read once, however many clips it has.
class ClipReader {
 public:
  explicit ClipReader(Source source);

  // Begins a clip, or begins it again.
  void Start(const Clip& clip);

  // The next `count` frames (3,count,height,width), fp32 in [-1,1] on the CPU. Frames of the
  // bucket's size come as decoded, others scaled to cover and cropped at the centre (Lanczos in 8
  // bits). Throws Error on broken files and past the clip's end.
  at::Tensor Next(int64_t count);

 private:
  void ReadFrame(float* planes);

  Source source_;
  std::unique_ptr<VideoReader> video_;  // null for images
  Image image_;                         // of an image, once it is decoded
  std::vector<float> decoded_;          // (3,H,W) of a video: its frame `position_`
  int64_t position_ = -1;
  Clip clip_;
  size_t next_ = 0;  // of clip_.frames
};

}  // namespace t3
