// What ops ask before they choose between a kernel and their reference, and what kernels need from
// tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>

#include "kernels/types.h"

namespace t3 {

// The type in which an op calculates: fp32, or fp64 for fp64 tensors (gradient checks).
at::ScalarType ComputeType(const at::Tensor& x);

// Whether autograd would record an operation on these inputs; undefined ones are ignored.
bool NeedsGradient(std::initializer_list<at::Tensor> inputs);

// Whether the environment variable T3_PORTABLE is set: only kernels that every GPU from sm_80 on
// supports are used, so that this path can be tested and timed on a newer one.
bool PortableOnly();

// Whether the environment variable T3_FP8_ATTENTION is "0": in `dtype` fp8 attention computes in
// bf16, so that products and attention can be judged apart.
bool Fp8ProductsOnly();

// Whether kernels can read the matrix `x`: on a GPU, fp32 or bf16, rows of whole aligned 16-byte
// vectors.
bool SupportsVectorAccess(const at::Tensor& x);

// Whether 16-byte vectors can be read from x's first element on.
bool IsAligned(const at::Tensor& x);

// The values of v for a kernel, or nullptr if it is undefined. Throws Error that names `what`
// unless v is fp32 (channels), contiguous.
const float* ChannelValues(const at::Tensor& v, int64_t channels, const char* what);
kernels::DType DTypeOf(const at::Tensor& x);
kernels::Stream CurrentStream(const at::Tensor& x);  // of x's device

// Blocks of a gradient kernel over `rows` rows, each of which writes a partial sum: enough to fill
// any GPU several times over, at most `max_blocks`, so that the partial sums stay small.
int64_t GradientBlocks(int64_t rows, int64_t max_blocks = 2048);

}  // namespace t3
