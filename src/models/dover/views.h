// The two views of a video that DOVER scores, collected frame by frame.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "models/dover/sampling.h"

namespace t3 {

// frame (3,height,width), uint8. Where a direction has fewer than 224 pixels, enlarged until none
// has (bilinear, truncated to whole codes).
at::Tensor EnlargeForFragments(const at::Tensor& frame);

// 224x224 pixels of fragments side by side, cut from an enlarged frame at the corners of part
// `part`. As in the published code, the corners are those of the frame before it was enlarged.
at::Tensor CutFragments(const at::Tensor& frame, const DoverFragments& fragments, int64_t part);

// The frame shrunk or enlarged to 224x224, uint8: bilinear without antialiasing, as the torchvision
// of DOVER's requirements resizes tensors.
at::Tensor ResizeForDover(const at::Tensor& frame);

// uint8 codes (..,3,T,H,W) as the networks take them: fp32, minus the mean, over the deviation.
at::Tensor NormaliseForDover(const at::Tensor& view);

// Holds 128 pictures of 224x224, whatever the size of the video.
class DoverViews {
 public:
  // Of a video of `frames` frames of height x width. Throws Error below 32 pixels.
  DoverViews(int64_t frames, int64_t height, int64_t width);

  // Whether frame `number` is in a view; others need no Add.
  bool Wants(int64_t number) const;
  // frame (3,height,width), uint8 on the CPU.
  void Add(int64_t number, const at::Tensor& frame);

  at::Tensor Technical(int64_t part) const;  // (3,32,224,224), normalised
  at::Tensor Aesthetic() const;              // likewise

 private:
  MixSequence random_{kDoverSeed};
  DoverFrames frames_;
  DoverFragments fragments_;
  at::Tensor technical_;  // (96,3,224,224), uint8
  at::Tensor aesthetic_;  // (32,3,224,224), uint8
};

}  // namespace t3
