// The frames of a clip, as the VAE takes them.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "media/video_reader.h"
#include "training/data/clip_plan.h"
#include "training/data/source_list.h"

namespace t3 {

// The clips of a source; opens it, decodes nothing but images. Throws Error that says why the
// source cannot be used.
std::vector<Clip> ClipsOf(const Source& source, const ClipSettings& settings);

// Decodes a clip frame by frame, so that 4K clips need not fit memory.
class ClipReader {
 public:
  ClipReader(const Source& source, const Clip& clip);

  // The next `count` frames (3,count,height,width), fp32 in [-1,1] on the CPU. Frames of the
  // bucket's size come as decoded, others scaled to cover and cropped at the centre (Lanczos in 8
  // bits). Throws Error on broken files and past the clip's end.
  at::Tensor Next(int64_t count);

 private:
  void ReadFrame(float* planes);

  Source source_;
  Clip clip_;
  std::unique_ptr<VideoReader> video_;  // none for images
  std::vector<float> decoded_;          // (3,H,W) of the source: its frame `position_`
  int64_t position_ = -1;
  size_t next_ = 0;
};

// All of it, (3,F,H,W): for short clips and for training a VAE on them.
at::Tensor ReadClip(const Source& source, const Clip& clip);

}  // namespace t3
