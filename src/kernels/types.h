// What all kernels share. Pointers are device memory, strides count elements; functions only start
// work on the stream, and throw Error when the device refuses it, or in a build without CUDA.
#pragma once

#include <cstdint>

namespace t3::kernels {

enum class DType { kFloat32, kBFloat16 };

// A cudaStream_t.
using Stream = void*;

// Elements of 16 bytes, the width of every access: kernels take rows whose length, stride and
// address are multiples of it.
constexpr int64_t VectorElements(DType type) { return type == DType::kFloat32 ? 4 : 8; }

// 10 * major + minor of the device's compute capability, e.g. 90.
int ComputeCapability(int device);

}  // namespace t3::kernels
