// Convolutions over libtorch, channels-last.
#include "ops/conv/convolution_reference.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>

namespace t3 {

at::Tensor ReferenceConvolution(const at::Tensor& x, const at::Tensor& weight,
                                const ConvolutionOptions& options) {
  if (weight.size(2) == 1 && options.time_stride == 1) {
    return at::conv2d(x.permute({0, 3, 1, 2}), weight.squeeze(2), {}, at::IntArrayRef{1},
                      at::IntArrayRef{options.row_padding, options.column_padding})
        .permute({0, 2, 3, 1})
        .contiguous();
  }
  const at::Tensor video = x.unsqueeze(0).permute({0, 4, 1, 2, 3});
  const at::Tensor y = at::conv3d(video, weight, {}, at::IntArrayRef{options.time_stride, 1, 1},
                                  at::IntArrayRef{0, options.row_padding, options.column_padding});
  return y.squeeze(0).permute({1, 2, 3, 0}).contiguous();  // as cuDNN leaves it: no copy
}

}  // namespace t3
