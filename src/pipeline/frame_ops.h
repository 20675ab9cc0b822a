// Operations on whole frames, (3,height,width) fp32, on any device. On the CPU they are those of
// media/; on a GPU matrices of the same weights, since both are linear and separable.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>

#include "media/color_match.h"
#include "media/cover_resize.h"

namespace t3 {

// CoverResize (media/cover_resize.h) of square pixels.
class FrameScaler {
 public:
  // `matrices`: by matrices, as on every GPU.
  FrameScaler(int64_t width, int64_t height, int64_t out_width, int64_t out_height,
              at::Device device, bool matrices);
  // (3,height,width) on any device -> (3,out_height,out_width) on the scaler's device. Pinned
  // frames must not change before the device has read them.
  at::Tensor Scale(const at::Tensor& frame);

 private:
  CoverResize resize_;
  int64_t out_width_;
  int64_t out_height_;
  at::Device device_;
  at::Tensor rows_;     // (out_height,height); undefined: by loops
  at::Tensor columns_;  // (width,out_width)
};

// ColorMatch (media/color_match.h).
class ColorMatcher {
 public:
  ColorMatcher(int64_t width, int64_t height, at::Device device, bool matrices);
  // Both on the matcher's device -> the low frequencies of source - frame, (3,rows,columns).
  at::Tensor Difference(const at::Tensor& source, const at::Tensor& frame) const;
  // frame + enlarged cells, a new tensor.
  at::Tensor Add(const at::Tensor& frame, const at::Tensor& cells) const;

 private:
  ColorMatch match_;
  at::Tensor average_rows_, average_columns_;  // (cells,height), (width,cells), smoothing included
  at::Tensor enlarge_rows_, enlarge_columns_;  // (height,cells), (cells,width)
};

}  // namespace t3
