// Convolutions of feature maps (frames, rows, columns, channels), for inference.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

struct ConvolutionOptions {
  int64_t time_stride = 1;
  int64_t row_padding = 0;     // zeros above and below
  int64_t column_padding = 0;  // zeros left and right
};

// x (T,R,C,in), contiguous; weight (out,in,kt,kr,kc), on a GPU best channels-last; no padding in
// time. Returns (T',R',C',out), contiguous. On a GPU in bf16 by the own kernel
// (ops/causal_convolution.h) or cuDNN's plan for this shape (ops/convolution_choice.h), on the CPU
// in fp32 by oneDNN, else as PlainConvolution.
at::Tensor Convolution(const at::Tensor& x, const at::Tensor& weight,
                       const ConvolutionOptions& options);

// The definition, over libtorch's convolutions.
at::Tensor PlainConvolution(const at::Tensor& x, const at::Tensor& weight,
                            const ConvolutionOptions& options);

}  // namespace t3
