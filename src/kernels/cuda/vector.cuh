// 16-byte vectors of elements, read as floats and written with one rounding; also warp and block
// sums, exp2, shared-memory addresses.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "kernels/types.h"

namespace t3::kernels {

constexpr int kWarp = 32;
constexpr float kLog2E = 1.4426950408889634f;

// Elements of T in 16 bytes.
template <typename T>
constexpr int kLanes = 16 / sizeof(T);

__device__ inline void Unpack(uint4 raw, float (&out)[4]) {
  out[0] = __uint_as_float(raw.x);
  out[1] = __uint_as_float(raw.y);
  out[2] = __uint_as_float(raw.z);
  out[3] = __uint_as_float(raw.w);
}

// A bf16 is the upper half of an fp32.
__device__ inline void Unpack(uint4 raw, float (&out)[8]) {
  const unsigned int words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out[2 * i] = __uint_as_float(words[i] << 16);
    out[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
  }
}

__device__ inline uint4 Pack(const float (&in)[4]) {
  return make_uint4(__float_as_uint(in[0]), __float_as_uint(in[1]), __float_as_uint(in[2]),
                    __float_as_uint(in[3]));
}

__device__ inline unsigned int PackPair(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const unsigned int*>(&pair);
}

__device__ inline uint4 Pack(const float (&in)[8]) {
  return make_uint4(PackPair(in[0], in[1]), PackPair(in[2], in[3]), PackPair(in[4], in[5]),
                    PackPair(in[6], in[7]));
}

// Elements [element, element + kLanes<T>) of `base`.
template <typename T>
__device__ inline void Load(const T* base, int64_t element, float (&out)[kLanes<T>]) {
  Unpack(*reinterpret_cast<const uint4*>(base + element), out);
}

// This lane's vectors lane, lane + STEP, ... of a row of `vectors`; zeros beyond its end.
template <int STEP, int NV>
__device__ inline void LoadRow(const uint4* row, int lane, int vectors, uint4 (&out)[NV]) {
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int v = lane + i * STEP;
    out[i] = v < vectors ? row[v] : make_uint4(0, 0, 0, 0);
  }
}

template <typename T>
__device__ inline void Store(T* base, int64_t element, const float (&in)[kLanes<T>]) {
  *reinterpret_cast<uint4*>(base + element) = Pack(in);
}

// LANES floats of a table, 16-byte aligned.
template <int LANES>
__device__ inline void LoadFloats(const float* base, float (&out)[LANES]) {
#pragma unroll
  for (int i = 0; i < LANES; i += 4) {
    const float4 part = *reinterpret_cast<const float4*>(base + i);
    out[i] = part.x;
    out[i + 1] = part.y;
    out[i + 2] = part.z;
    out[i + 3] = part.w;
  }
}

// The shared-memory address of a pointer, as instructions take it.
__device__ inline unsigned int SharedAddress(const void* pointer) {
  return static_cast<unsigned int>(__cvta_generic_to_shared(pointer));
}

__device__ inline float Exp2(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

// Over four neighbouring lanes that start at a multiple of four.
__device__ inline float QuadSum(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

__device__ inline float WarpSum(float value) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(0xffffffffu, value, offset);
  }
  return value;
}

// Sum over groups of `group` neighbouring lanes, a power of two; all lanes of the warp take part.
__device__ inline float GroupedSum(float value, int group) {
  for (int offset = group / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(0xffffffffu, value, offset);
  }
  return value;
}

// The fewest lanes, a power of two, that hold `vectors` in at most 4 each; a whole warp if none do.
inline int LanesForVectors(int64_t vectors) {
  int lanes = 1;
  while (lanes < kWarp && lanes * 4 < vectors) lanes *= 2;
  return lanes;
}

// Combines a warp's results over WARPS warps of a block; every thread of the block calls it.
// `shared` has WARPS floats and may be used again after the next call's barrier.
template <int WARPS, typename F>
__device__ inline float Combine(float value, float* shared, F combine) {
  if constexpr (WARPS == 1) return value;
  __syncthreads();
  if (threadIdx.x % kWarp == 0) shared[threadIdx.x / kWarp] = value;
  __syncthreads();
  float result = 0;
#pragma unroll
  for (int i = 0; i < WARPS; ++i) result = combine(result, shared[i]);
  return result;
}

template <int WARPS>
__device__ inline float GroupSum(float value, float* shared) {
  return Combine<WARPS>(WarpSum(value), shared, [](float a, float b) { return a + b; });
}

// Of values that are not negative.
template <int WARPS>
__device__ inline float GroupMax(float value, float* shared) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, offset));
  }
  return Combine<WARPS>(value, shared, [](float a, float b) { return fmaxf(a, b); });
}

}  // namespace t3::kernels
