// e4m3 codes of fp32 values, and the scale of a row.
#pragma once

#include <cuda_fp8.h>

#include "kernels/cuda/vector.cuh"

namespace t3::kernels {

// As ops/fp8/quantise.cc has them.
constexpr float kFp8Max = 448.f;
constexpr float kFp8MinRowMax = 0x1p-100f;

struct RowScale {
  float scale;    // a value is its code times this
  float inverse;  // a code is its value times this, rounded
};

__device__ inline RowScale ScaleOfMax(float largest) {
  largest = fmaxf(largest, kFp8MinRowMax);
  return {__fdiv_rn(largest, kFp8Max), __fdiv_rn(kFp8Max, largest)};
}

// To the nearest code, ties to even; beyond 448 the code of 448. NaN stays NaN.
__device__ inline unsigned int PackFp8(float a, float b, float c, float d) {
  const unsigned int low = __nv_cvt_float2_to_fp8x2({a, b}, __NV_SATFINITE, __NV_E4M3);
  const unsigned int high = __nv_cvt_float2_to_fp8x2({c, d}, __NV_SATFINITE, __NV_E4M3);
  return low | high << 16;
}

__device__ inline uint2 PackFp8(const float (&x)[8]) {
  return make_uint2(PackFp8(x[0], x[1], x[2], x[3]), PackFp8(x[4], x[5], x[6], x[7]));
}

__device__ inline float2 UnpackFp8Pair(unsigned int pair) {
  const __half2_raw halves =
      __nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(pair), __NV_E4M3);
  return __half22float2(__half2(halves));
}

__device__ inline void UnpackFp8(uint2 codes, float (&x)[8]) {
  const unsigned int pairs[4] = {codes.x & 0xffffu, codes.x >> 16, codes.y & 0xffffu,
                                 codes.y >> 16};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 values = UnpackFp8Pair(pairs[i]);
    x[2 * i] = values.x, x[2 * i + 1] = values.y;
  }
}

// 8 values times `inverse` as codes [channel, channel + 8) of a row.
__device__ inline void StoreFp8(void* row, int64_t channel, float (&x)[8], float inverse) {
#pragma unroll
  for (float& value : x) value *= inverse;
  *reinterpret_cast<uint2*>(static_cast<unsigned char*>(row) + channel) = PackFp8(x);
}

__device__ inline float MaxMagnitude(const float (&x)[8], float largest) {
#pragma unroll
  for (const float value : x) largest = fmaxf(largest, fabsf(value));
  return largest;
}

}  // namespace t3::kernels
