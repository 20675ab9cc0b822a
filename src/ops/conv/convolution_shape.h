// Shapes of convolutions of feature maps.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "kernels/convolution.h"

namespace t3 {

struct ConvolutionOptions {
  int64_t time_stride = 1;
  int64_t row_padding = 0;     // zeros above and below
  int64_t column_padding = 0;  // zeros left and right
};

// x (T,R,C,in), weight (out,in,kt,kr,kc).
kernels::ConvolutionShape ConvolutionShapeOf(const at::Tensor& x, const at::Tensor& weight,
                                             const ConvolutionOptions& options);

// For logs, and part of the key of tables of plans.
std::string ConvolutionName(const kernels::ConvolutionShape& shape);

}  // namespace t3
