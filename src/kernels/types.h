// What all kernels share. Pointers are device memory, strides count elements. A launcher only
// enqueues work on the stream; it throws Error if the device refuses it or the build has no CUDA.
#pragma once

#include <cstdint>

namespace t3::kernels {

enum class DType { kFloat32, kBFloat16 };

// A cudaStream_t.
using Stream = void*;

// Elements in 16 bytes, the width of every access: kernels take rows whose length, stride and
// address are multiples of it.
constexpr int64_t VectorElements(DType type) { return type == DType::kFloat32 ? 4 : 8; }

}  // namespace t3::kernels
