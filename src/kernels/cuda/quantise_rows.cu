// Rows to e4m3 codes: a row's 16-byte vectors stay in registers, so x is read once.
#include "kernels/cuda/fp8.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/quantise_rows.h"

namespace t3::kernels {
namespace {

constexpr int kQuantiseWarpRows = 8;  // rows per block if one warp takes a row

// x * sigmoid(2u), which equals x/2 (1 + tanh(u)) and has no cancellation for negative x.
__device__ inline float Gelu(float x) {
  const float twice_u = 1.5957691216057308f * x * (1.f + 0.044715f * x * x);
  return __fdividef(x, 1.f + Exp2(-kLog2E * twice_u));
}

// WARPS warps take a row; each thread holds up to NV vectors of it.
template <bool GELU, int WARPS, int NV>
__global__ void __launch_bounds__(256) QuantiseRowsKernel(const QuantiseRowsArgs args) {
  constexpr int kThreads = WARPS * kWarp;
  __shared__ float shared[WARPS];
  const int64_t token =
      WARPS == 1 ? static_cast<int64_t>(blockIdx.x) * kQuantiseWarpRows + threadIdx.x / kWarp
                 : blockIdx.x;
  if (token >= args.tokens) return;  // for a whole warp at once
  const int lane = threadIdx.x % kThreads;
  const int vectors = static_cast<int>(args.channels) / kLanes<__nv_bfloat16>;
  uint4 raw[NV];
  LoadRow<kThreads>(reinterpret_cast<const uint4*>(static_cast<const __nv_bfloat16*>(args.x) +
                                                   token * args.x_stride),
                    lane, vectors, raw);
  float values[NV][8];
  float largest = 0;
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    Unpack(raw[i], values[i]);
    if constexpr (GELU) {
#pragma unroll
      for (float& value : values[i]) value = Gelu(value);
    }
    largest = MaxMagnitude(values[i], largest);
  }
  const RowScale scale = ScaleOfMax(GroupMax<WARPS>(largest, shared));
  unsigned char* const codes = static_cast<unsigned char*>(args.codes) + token * args.channels;
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int v = lane + i * kThreads;
    if (v < vectors) StoreFp8(codes, v * 8, values[i], scale.inverse);
  }
  if (lane == 0) args.scale[token] = scale.scale;
}

template <bool GELU, int WARPS, int NV>
void LaunchQuantised(const QuantiseRowsArgs& args, cudaStream_t stream) {
  const int rows = WARPS == 1 ? kQuantiseWarpRows : 1;
  QuantiseRowsKernel<GELU, WARPS, NV>
      <<<TokenBlocks(args.tokens, rows), rows * WARPS * kWarp, 0, stream>>>(args);
}

template <bool GELU>
void LaunchForWidth(const QuantiseRowsArgs& args, cudaStream_t stream) {
  const int64_t lane_vectors = (args.channels / kLanes<__nv_bfloat16> + kWarp - 1) / kWarp;
  if (lane_vectors <= 2) {
    LaunchQuantised<GELU, 1, 2>(args, stream);
  } else if (lane_vectors <= 6) {
    LaunchQuantised<GELU, 1, 6>(args, stream);
  } else if (lane_vectors <= 12) {
    LaunchQuantised<GELU, 4, 3>(args, stream);
  } else if (lane_vectors <= 40) {
    LaunchQuantised<GELU, 8, 5>(args, stream);
  } else {
    LaunchQuantised<GELU, 8, 8>(args, stream);
  }
}

}  // namespace

void LaunchQuantiseRows(const QuantiseRowsArgs& args, Stream stream) {
  CheckChannels("QuantiseRows", args.channels, kQuantiseRowsMaxChannels);
  if (args.gelu) {
    LaunchForWidth<true>(args, ToCuda(stream));
  } else {
    LaunchForWidth<false>(args, ToCuda(stream));
  }
  CheckLaunch("QuantiseRows");
}

}  // namespace t3::kernels
