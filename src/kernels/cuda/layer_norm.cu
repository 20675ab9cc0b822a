// Modulated LayerNorm: a row's 16-byte vectors stay in registers, so x is read once.
#include <type_traits>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.cuh"
#include "kernels/cuda/vector_rows.cuh"
#include "kernels/layer_norm.h"

namespace t3::kernels {
namespace {

constexpr int kWarpRows = 8;  // rows per block if one warp takes a row

// (x - mean) * inverse * multiplier + shift for one vector of T, stored as Out.
template <typename T, typename Out>
__device__ void WriteVector(const LayerNormModulateArgs& args, int64_t token, int channel,
                            uint4 raw, float mean, float inverse) {
  constexpr int kN = kLanes<T>;
  const int64_t row = RowOf(args.rows, token) * args.channels;
  float x[kN], multiplier[kN], shift[kN];
  Unpack(raw, x);
  LoadFloats(args.multiplier + row + channel, multiplier);
  LoadFloats(args.shift + row + channel, shift);
#pragma unroll
  for (int i = 0; i < kN; ++i) x[i] = (x[i] - mean) * inverse * multiplier[i] + shift[i];
  Out* out = static_cast<Out*>(args.out) + token * args.channels + channel;
  if constexpr (std::is_same_v<T, Out>) {
    Store(out, 0, x);
  } else {
#pragma unroll
    for (int i = 0; i < kN; i += 4) {
      *reinterpret_cast<float4*>(out + i) = make_float4(x[i], x[i + 1], x[i + 2], x[i + 3]);
    }
  }
}

// WARPS warps take a row; each thread holds up to NV vectors of it.
template <typename T, typename Out, int WARPS, int NV>
__global__ void __launch_bounds__(256) LayerNormKernel(const LayerNormModulateArgs args) {
  constexpr int kThreads = WARPS * kWarp;
  __shared__ float shared[2][WARPS];
  const int64_t token =
      WARPS == 1 ? static_cast<int64_t>(blockIdx.x) * kWarpRows + threadIdx.x / kWarp : blockIdx.x;
  if (token >= args.tokens) return;  // for a whole warp at once
  const int lane = threadIdx.x % kThreads;
  const int vectors = static_cast<int>(args.channels) / kLanes<T>;
  const uint4* x =
      reinterpret_cast<const uint4*>(static_cast<const T*>(args.x) + token * args.x_stride);
  uint4 raw[NV];
  LoadRow<kThreads>(x, lane, vectors, raw);
  const float count = static_cast<float>(args.channels);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    float values[kLanes<T>];
    Unpack(raw[i], values);
#pragma unroll
    for (float value : values) sum += value;
  }
  const float mean = GroupSum<WARPS>(sum, shared[0]) / count;
  float square = 0;
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    float values[kLanes<T>];
    Unpack(raw[i], values);
    const bool inside = lane + i * kThreads < vectors;
#pragma unroll
    for (float value : values) square += inside ? (value - mean) * (value - mean) : 0.f;
  }
  const float inverse = rsqrtf(GroupSum<WARPS>(square, shared[1]) / count + args.eps);
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int v = lane + i * kThreads;
    if (v < vectors) WriteVector<T, Out>(args, token, v * kLanes<T>, raw[i], mean, inverse);
  }
}

template <typename T, typename Out, int WARPS, int NV>
void LaunchRows(const LayerNormModulateArgs& args, cudaStream_t stream) {
  const int rows = WARPS == 1 ? kWarpRows : 1;
  LayerNormKernel<T, Out, WARPS, NV>
      <<<TokenBlocks(args.tokens, rows), rows * WARPS * kWarp, 0, stream>>>(args);
}

template <typename T, typename Out>
void LaunchForWidth(const LayerNormModulateArgs& args, cudaStream_t stream) {
  const int64_t lane_vectors = (args.channels / kLanes<T> + kWarp - 1) / kWarp;
  if (lane_vectors <= 2) {
    LaunchRows<T, Out, 1, 2>(args, stream);
  } else if (lane_vectors <= 6) {
    LaunchRows<T, Out, 1, 6>(args, stream);
  } else if (lane_vectors <= 12) {
    // One warp with 12 vectors per lane reached half the memory bandwidth: too few rows in flight.
    LaunchRows<T, Out, 4, 3>(args, stream);
  } else if (lane_vectors <= 32) {
    LaunchRows<T, Out, 8, 4>(args, stream);
  } else {
    LaunchRows<T, Out, 8, 8>(args, stream);
  }
}

}  // namespace

void LaunchLayerNormModulate(const LayerNormModulateArgs& args, Stream stream) {
  CheckChannels("LayerNormModulate", args.channels, kLayerNormMaxChannels);
  if (args.x_type == DType::kFloat32) {
    LaunchForWidth<float, float>(args, ToCuda(stream));
  } else if (args.out_type == DType::kFloat32) {
    LaunchForWidth<__nv_bfloat16, float>(args, ToCuda(stream));
  } else {
    LaunchForWidth<__nv_bfloat16, __nv_bfloat16>(args, ToCuda(stream));
  }
  CheckLaunch("LayerNormModulate");
}

}  // namespace t3::kernels
