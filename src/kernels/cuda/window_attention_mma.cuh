// The matrix products of window attention: wgmma on tiles in shared memory with 128-byte swizzle.
#pragma once

#include "kernels/cuda/hopper.cuh"

namespace t3::kernels {

// A tile of rows of 128 channels lies in shared memory as two panels of 64 channels. A row of a
// panel has eight 16-byte vectors; vector i of row r is at place i ^ (r % 8).
constexpr int kPanelRowBytes = 128;
constexpr int kSwizzleBytes = 8 * kPanelRowBytes;  // tiles are aligned to this

__device__ constexpr uint64_t SwizzledDescriptor(uint32_t address, uint32_t leading_bytes) {
  constexpr uint64_t kSwizzle128 = uint64_t{1} << 62;
  return static_cast<uint64_t>((address & 0x3ffff) >> 4) |
         static_cast<uint64_t>(leading_bytes >> 4) << 16 |
         static_cast<uint64_t>(kSwizzleBytes >> 4) << 32 | kSwizzle128;
}

// The descriptor of what lies `bytes` further.
__device__ constexpr uint64_t Advance(uint64_t descriptor, int bytes) {
  return descriptor + (bytes >> 4);
}

// Keeps the compiler from moving what uses `x` above an earlier WgmmaWait.
template <int SIZE>
__device__ inline void KeepInOrder(float (&x)[SIZE]) {
#pragma unroll
  for (float& value : x) asm volatile("" : "+f"(value)::"memory");
}

#define T3_8(d, i)                                                                            \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
      "+f"(d[i + 6]), "+f"(d[i + 7])

// d (64 x N) = a (64 x 16) b^T (N x 16), both with contiguous channels; with `add` d += that.
__device__ inline void WgmmaScores(float (&d)[56], uint64_t a, uint64_t b, int add) {
  asm volatile(
      "{\n"
      ".reg .pred kept;\n"
      "setp.ne.b32 kept, %58, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n112k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,"
      "%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,"
      "%47,"
      "%48,%49,%50,%51,%52,%53,%54,%55}, %56, %57, kept, 1, 1, 0, 0;\n"
      "}\n"
      : T3_8(d, 0), T3_8(d, 8), T3_8(d, 16), T3_8(d, 24), T3_8(d, 32), T3_8(d, 40), T3_8(d, 48)
      : "l"(a), "l"(b), "r"(add));
}

__device__ inline void WgmmaScores(float (&d)[64], uint64_t a, uint64_t b, int add) {
  asm volatile(
      "{\n"
      ".reg .pred kept;\n"
      "setp.ne.b32 kept, %66, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,"
      "%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,"
      "%47,"
      "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}, %64, %65, kept, 1, 1, 0, "
      "0;\n"
      "}\n"
      : T3_8(d, 0), T3_8(d, 8), T3_8(d, 16), T3_8(d, 24), T3_8(d, 32), T3_8(d, 40), T3_8(d, 48),
        T3_8(d, 56)
      : "l"(a), "l"(b), "r"(add));
}

// d (64 x 128) += a (64 x 16, in registers) b (16 x 128), b with contiguous columns.
__device__ inline void WgmmaValues(float (&d)[64], const uint32_t* a, uint64_t b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,"
      "%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,"
      "%47,"
      "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}, {%64,%65,%66,%67}, %68, "
      "1, 1, 1, 1;"
      : T3_8(d, 0), T3_8(d, 8), T3_8(d, 16), T3_8(d, 24), T3_8(d, 32), T3_8(d, 40), T3_8(d, 48),
        T3_8(d, 56)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
#undef T3_8

}  // namespace t3::kernels
