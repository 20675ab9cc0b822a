// Elementwise kernels over feature maps, one thread per 16-byte vector: memory-bound, each operand
// is read or written once.
#pragma once

#include "kernels/cuda/dispatch.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.cuh"

namespace t3::kernels {

constexpr int kMapThreads = 256;

// Indices are 32-bit, because 64-bit division takes several times longer than the memory access:
// callers keep maps below 2^31 vectors. Offsets in elements are 64-bit.
__device__ inline unsigned int GlobalThread() { return blockIdx.x * kMapThreads + threadIdx.x; }

}  // namespace t3::kernels
