// Convolutions of one shape by cuDNN.
#pragma once

#include <array>
#include <compare>
#include <memory>

#include "kernels/cudnn_plans.h"

namespace t3::kernels {

// What a plan depends on. Elements are bf16, products are summed in fp32. Memory is channels-last
// and contiguous: x (frames,rows,columns,in), weight (out,kernel...,in), y (frames',rows',columns',
// out). If the kernel has one frame, frames are a batch.
struct ConvolutionShape {
  std::array<int64_t, 3> x;  // frames, rows, columns
  std::array<int64_t, 3> kernel;
  std::array<int64_t, 3> padding;
  std::array<int64_t, 3> stride;
  int64_t in;   // channels
  int64_t out;  // channels

  auto operator<=>(const ConvolutionShape&) const = default;

  std::array<int64_t, 3> Output() const {  // frames', rows', columns'
    std::array<int64_t, 3> y{};
    for (size_t i = 0; i < 3; ++i) y[i] = (x[i] + 2 * padding[i] - kernel[i]) / stride[i] + 1;
    return y;
  }
};

// Plans for y = convolution of x; tensors x, weight, y. Null if cuDNN has none for the shape, and
// in builds without its front end.
std::unique_ptr<CudnnPlans> FindConvolutionPlans(const ConvolutionShape& shape,
                                                 int64_t max_workspace_bytes);

}  // namespace t3::kernels
