// The reference of convolutions of feature maps, over libtorch's convolutions.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/conv/convolution_shape.h"

namespace t3 {

// x (T,R,C,in), weight (out,in,kt,kr,kc), no padding in time -> (T',R',C',out), contiguous.
at::Tensor ReferenceConvolution(const at::Tensor& x, const at::Tensor& weight,
                                const ConvolutionOptions& options);

}  // namespace t3
