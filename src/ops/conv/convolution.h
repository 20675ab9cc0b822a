// Convolutions of feature maps (frames, rows, columns, channels), for inference.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/conv/convolution_shape.h"

namespace t3 {

// x (T,R,C,in), contiguous; weight (out,in,kt,kr,kc), on a GPU best channels-last; no padding in
// time. Returns (T',R',C',out), contiguous. On a GPU in bf16 by the custom kernel (causal_conv.h)
// or cuDNN's plan for this shape (convolution_tuning.h), on the CPU in fp32 by oneDNN, else as
// ReferenceConvolution. Throws Error if the channels do not match.
at::Tensor Convolution(const at::Tensor& x, const at::Tensor& weight,
                       const ConvolutionOptions& options);

}  // namespace t3
