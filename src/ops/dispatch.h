// What every op asks before it chooses between its kernel and its plain definition.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/types.h"

namespace t3 {

// The type in which an op calculates: fp32, or fp64 for fp64 tensors (gradient checks).
at::ScalarType ComputeType(const at::Tensor& x);

// Whether operations are recorded for a backward pass (torch's gradient mode). Ops that overwrite
// memory do so only when it is off.
bool GradientsOn();

// Whether the environment variable T3_PORTABLE keeps to what every GPU from sm_80 on has, so that
// this path can be tested and timed on a newer one.
bool PortableOnly();

// True if kernels can read the matrix `x`: on a GPU, fp32 or bf16, rows of whole aligned 16-byte
// vectors.
bool FitsKernels(const at::Tensor& x);
// The same with gradients off: most kernels have none, and their plain definitions carry it.
bool KernelTakes(const at::Tensor& x);

// Whether 16-byte vectors can be read from x's first element on.
bool IsAligned(const at::Tensor& x);

// For calling kernels. The values of v, or nullptr if it is undefined; throws Error that names
// `what` unless v is fp32 (channels), contiguous.
const float* ChannelValues(const at::Tensor& v, int64_t channels, const char* what);
kernels::DType DTypeOf(const at::Tensor& x);
kernels::Stream CurrentStream(const at::Tensor& x);  // of x's device

}  // namespace t3
