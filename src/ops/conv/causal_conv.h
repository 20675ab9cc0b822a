// Causal convolutions of wide feature maps over three frames, 3x3, with a fused epilogue: on a
// Hopper GPU, in bf16, for inference. Throw Error if the kernel does not support their arguments.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "ops/feature_map/norm_silu.h"

namespace t3 {

// What a causal convolution reads, contiguous: the two frames before, and the new ones.
struct CausalMaps {
  at::Tensor cache;   // (2,R+2,W,in)
  at::Tensor frames;  // (T,R+2,W,in)
};

// Whether there is a kernel for weight (out,in,3,3,3), contiguous channels-last.
bool SupportsCausalConv(const at::Tensor& weight);

// Also whether `rows` x `columns` of so many frames fill the GPU; false if PortableOnly or
// ConvolutionSettings ask for other convolutions.
bool IsCausalConvProfitable(const at::Tensor& weight, int64_t frames, int64_t rows,
                            int64_t columns);

// y (T,R,W,out), contiguous: Convolution (convolution.h) of all frames, with column_padding 1.
at::Tensor CausalConv(const CausalMaps& x, const at::Tensor& weight);

// y + bias + residual: AddMap (ops/feature_map/add_map.h) of the above with one rounding less.
// residual (T,R,W,out), whose frames may lie apart. Not for 8 output channels, nor is the next.
at::Tensor CausalConvAdd(const CausalMaps& x, const at::Tensor& weight, const at::Tensor& bias,
                         const at::Tensor& residual);

// NormSilu of y into `out` with one rounding less; options has all three.
void CausalConvNormSilu(const CausalMaps& x, const at::Tensor& weight,
                        const NormSiluOptions& options, int64_t first_row, const at::Tensor& out);

}  // namespace t3
