// Hopper's (sm_90a) instructions as functions: mbarriers, bulk copies (TMA without a tensor map),
// setmaxnreg, and wgmma with both operands in shared memory. Names follow the PTX ISA.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace t3::kernels {

constexpr int kWarpgroup = 128;  // threads

// mbarriers, by shared address. A phase completes once `arrivals` threads have arrived and all
// expected bytes (expect_tx) have landed. Phases alternate between parity 0 and 1, starting at 0.
__device__ inline void InitBarrier(uint32_t barrier, uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals));
}

// After the last InitBarrier of a block, before the threads synchronise.
__device__ inline void FenceBarrierInit() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

__device__ inline void Arrive(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

__device__ inline void ArriveExpectTx(uint32_t barrier, uint32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}

// Waits for the phase of this parity. Waiting for parity 1 before the first phase returns at once.
__device__ inline void Wait(uint32_t barrier, uint32_t parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again: mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@!done bra again;\n"
      "}\n" ::"r"(barrier),
      "r"(parity)
      : "memory");
}

// cp.async.bulk: `bytes`, a multiple of 16, from global to shared memory; they complete on the
// barrier's transaction count.
__device__ inline void BulkCopy(uint32_t shared, const void* global, uint32_t bytes,
                                uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(shared),
      "l"(global), "r"(bytes), "r"(barrier)
      : "memory");
}

// Volatile: registers are scarce, so the compiler must not hoist the load.
__device__ inline float2 LoadShared(uint32_t address) {
  float2 pair;
  asm volatile("ld.shared.v2.f32 {%0, %1}, [%2];" : "=f"(pair.x), "=f"(pair.y) : "r"(address));
  return pair;
}

__device__ inline void LoadSharedVector(uint32_t address, unsigned int (&words)[4]) {
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(address));
}

__device__ inline void StoreShared(uint32_t address, float value) {
  asm volatile("st.shared.f32 [%0], %1;" ::"r"(address), "f"(value) : "memory");
}

// cp.async: 16 bytes from global to shared memory, zeros if `in_bounds` is false.
__device__ inline void CpAsync16(uint32_t shared, const void* global, bool in_bounds) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(global),
               "r"(in_bounds ? 16 : 0)
               : "memory");
}

// Waits for this thread's cp.async and makes its writes visible to the async proxy (wgmma), so that
// a barrier is all that consumers need.
__device__ inline void CpAsyncWaitAndFence() {
  asm volatile("cp.async.wait_all;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

template <int REGISTERS>
__device__ inline void SetMaxRegsInc() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}
template <int REGISTERS>
__device__ inline void SetMaxRegsDec() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

// The shared-memory matrix descriptor of a wgmma operand without swizzling: core matrices of 8 rows
// of 16 contiguous bytes. `k_stride` bytes lead from a core matrix to the next along K,
// `row_stride` to the next 8 rows (M or N). Addresses and strides are multiples of 16.
__device__ inline uint64_t SmemDescriptor(uint32_t address, uint32_t k_stride,
                                          uint32_t row_stride) {
  return static_cast<uint64_t>((address & 0x3ffff) >> 4) |
         static_cast<uint64_t>(k_stride >> 4) << 16 | static_cast<uint64_t>(row_stride >> 4) << 32;
}

__device__ inline void WgmmaFence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void WgmmaCommit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
// Waits until at most the last `PENDING` committed groups are in flight.
template <int PENDING>
__device__ inline void WgmmaWait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

// Keeps the compiler from reading or copying accumulators before this point: it does not know that
// products in flight write them until WgmmaWait<0>, after which this stands. No instruction.
template <int N>
__device__ inline void HoldAccumulators(float (&d)[N]) {
#pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+f"(d[i])::"memory");
}

// d (64 x N, fp32) += a (64 x 16) b (16 x N), bf16 operands in shared memory. A thread's
// accumulators 4j and 4j + 1 are in row 16 * warp + lane / 4, 4j + 2 and 4j + 3 eight rows below,
// in columns 8j + 2 * (lane % 4) and the next.
#define T3_8(d, i)                                                                            \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
      "+f"(d[i + 6]), "+f"(d[i + 7])

__device__ inline void Wgmma(float (&d)[4], uint64_t a, uint64_t b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0,%1,%2,%3}, %4, %5, 1, 1, 1, 0, 0;"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "l"(a), "l"(b));
}

__device__ inline void Wgmma(float (&d)[48], uint64_t a, uint64_t b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n96k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
      "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,"
      "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47}, %48, %49, 1, 1, 1, 0, 0;"
      : T3_8(d, 0), T3_8(d, 8), T3_8(d, 16), T3_8(d, 24), T3_8(d, 32), T3_8(d, 40)
      : "l"(a), "l"(b));
}

__device__ inline void Wgmma(float (&d)[96], uint64_t a, uint64_t b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n192k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
      "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,"
      "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,"
      "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63,"
      "%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,"
      "%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95}, %96, %97, 1, 1, 1, 0, 0;"
      : T3_8(d, 0), T3_8(d, 8), T3_8(d, 16), T3_8(d, 24), T3_8(d, 32), T3_8(d, 40), T3_8(d, 48),
        T3_8(d, 56), T3_8(d, 64), T3_8(d, 72), T3_8(d, 80), T3_8(d, 88)
      : "l"(a), "l"(b));
}
#undef T3_8

}  // namespace t3::kernels
