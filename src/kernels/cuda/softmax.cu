// Softmax of long rows. A block takes a row: 8 vectors per thread in registers, the rest in shared
// memory.
#include <cuda_fp16.h>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.cuh"
#include "kernels/softmax.h"

namespace t3::kernels {
namespace {

constexpr int kThreads = 1024;
constexpr int kInRegisters = 8;  // vectors per thread
constexpr int kLaneElements = kLanes<__nv_bfloat16>;
constexpr float kMaxExponent = 15;  // of the largest exp: fp16 reaches down to 2^-24

struct Max {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};
struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};

// Over all threads of the block; `shared` has a float for each warp.
template <typename F>
__device__ float OverBlock(float value, float* shared, F f) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value = f(value, __shfl_xor_sync(0xffffffffu, value, offset));
  }
  if (threadIdx.x % kWarp == 0) shared[threadIdx.x / kWarp] = value;
  __syncthreads();
  value = shared[threadIdx.x % kWarp];
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value = f(value, __shfl_xor_sync(0xffffffffu, value, offset));
  }
  __syncthreads();
  return value;
}

__device__ inline unsigned int PackHalves(float low, float high) {
  const __half2 pair = __floats2half2_rn(low, high);
  return *reinterpret_cast<const unsigned int*>(&pair);
}

// bf16 -> exp2((x - max) * log2 e + kMaxExponent) in fp16; their sum.
__device__ inline float Exponentials(uint4& vector, float max) {
  float values[kLaneElements];
  Unpack(vector, values);
  float sum = 0;
#pragma unroll
  for (float& value : values) {
    value = Exp2(fmaf(value, kLog2E, kMaxExponent - max * kLog2E));
    sum += value;
  }
  vector = make_uint4(PackHalves(values[0], values[1]), PackHalves(values[2], values[3]),
                      PackHalves(values[4], values[5]), PackHalves(values[6], values[7]));
  return sum;
}

// fp16 -> times `scale` in bf16.
__device__ inline uint4 Scaled(const uint4& vector, float scale) {
  const unsigned int words[4] = {vector.x, vector.y, vector.z, vector.w};
  float values[kLaneElements];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 pair = __half22float2(*reinterpret_cast<const __half2*>(&words[i]));
    values[2 * i] = pair.x * scale;
    values[2 * i + 1] = pair.y * scale;
  }
  return Pack(values);
}

__device__ inline float MaxOf(const uint4& vector) {
  float values[kLaneElements];
  Unpack(vector, values);
  float max = values[0];
#pragma unroll
  for (int i = 1; i < kLaneElements; ++i) max = fmaxf(max, values[i]);
  return max;
}

__global__ void __launch_bounds__(kThreads, 1) SoftmaxKernel(uint4* x, int vectors) {
  extern __shared__ uint4 cached[];
  __shared__ float shared[kThreads / kWarp];
  uint4* row = x + static_cast<int64_t>(blockIdx.x) * vectors;
  const int thread = threadIdx.x;
  constexpr int kFirstShared = kInRegisters * kThreads;
  uint4 registers[kInRegisters];
  float max = -INFINITY;
#pragma unroll
  for (int i = 0; i < kInRegisters; ++i) {
    const int v = i * kThreads + thread;
    if (v < vectors) registers[i] = row[v];
  }
  for (int v = kFirstShared + thread; v < vectors; v += kThreads) {
    cached[v - kFirstShared] = row[v];
    max = fmaxf(max, MaxOf(cached[v - kFirstShared]));
  }
#pragma unroll
  for (int i = 0; i < kInRegisters; ++i) {
    if (i * kThreads + thread < vectors) max = fmaxf(max, MaxOf(registers[i]));
  }
  max = OverBlock(max, shared, Max());
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kInRegisters; ++i) {
    if (i * kThreads + thread < vectors) sum += Exponentials(registers[i], max);
  }
  for (int v = kFirstShared + thread; v < vectors; v += kThreads) {
    sum += Exponentials(cached[v - kFirstShared], max);
  }
  const float scale = 1.f / OverBlock(sum, shared, Sum());
#pragma unroll
  for (int i = 0; i < kInRegisters; ++i) {
    const int v = i * kThreads + thread;
    if (v < vectors) row[v] = Scaled(registers[i], scale);
  }
  for (int v = kFirstShared + thread; v < vectors; v += kThreads) {
    row[v] = Scaled(cached[v - kFirstShared], scale);
  }
}

}  // namespace

int64_t SoftmaxMaxColumns(int device) {
  int shared = 0;
  cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  const int64_t cached = (shared - kThreads / kWarp * static_cast<int>(sizeof(float))) /
                         static_cast<int>(sizeof(uint4));
  return (kInRegisters * kThreads + cached) * kLaneElements;
}

void LaunchSoftmax(const SoftmaxArgs& args, Stream stream) {
  const int vectors = static_cast<int>(args.columns / kLaneElements);
  const int cached = vectors - kInRegisters * kThreads;
  const int shared = cached > 0 ? cached * static_cast<int>(sizeof(uint4)) : 0;
  cudaFuncSetAttribute(SoftmaxKernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared);
  SoftmaxKernel<<<TokenBlocks(args.rows, 1), kThreads, shared, ToCuda(stream)>>>(
      static_cast<uint4*>(args.x), vectors);
  CheckLaunch("softmax");
}

}  // namespace t3::kernels
