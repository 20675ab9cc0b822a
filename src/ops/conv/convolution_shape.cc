// Shapes from tensors.
#include "ops/conv/convolution_shape.h"

#include "base/check.h"

namespace t3 {

kernels::ConvolutionShape ConvolutionShapeOf(const at::Tensor& x, const at::Tensor& weight,
                                             const ConvolutionOptions& options) {
  return {.x = {x.size(0), x.size(1), x.size(2)},
          .kernel = {weight.size(2), weight.size(3), weight.size(4)},
          .padding = {0, options.row_padding, options.column_padding},
          .stride = {options.time_stride, 1, 1},
          .in = x.size(3),
          .out = weight.size(0)};
}

std::string ConvolutionName(const kernels::ConvolutionShape& shape) {
  return fmt::format("bf16 {}x{} to {}, kernel {}, padding {}, stride {}", fmt::join(shape.x, "x"),
                     shape.in, shape.out, fmt::join(shape.kernel, "x"),
                     fmt::join(shape.padding, "x"), fmt::join(shape.stride, "x"));
}

}  // namespace t3
