// RMSNorm and RoPE of whole rows: a warp keeps its row's 16-byte vectors in registers.
#include "kernels/cuda/dispatch.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/rope.cuh"
#include "kernels/cuda/vector.cuh"
#include "kernels/rms_rope_rows.h"

namespace t3::kernels {
namespace {

constexpr int kRows = 8;  // per block, one warp each

// NV vectors of the row per lane.
template <typename T, int NV>
__global__ void __launch_bounds__(kRows* kWarp) RmsRopeRowsKernel(const RmsRopeRowsArgs args) {
  constexpr int kN = kLanes<T>;
  const int64_t token = static_cast<int64_t>(blockIdx.x) * kRows + threadIdx.x / kWarp;
  if (token >= args.tokens) return;
  const int lane = threadIdx.x % kWarp;
  const int vectors = static_cast<int>(args.channels) / kN;
  const uint4* x =
      reinterpret_cast<const uint4*>(static_cast<const T*>(args.x) + token * args.x_stride);
  uint4 raw[NV];
  LoadRow<kWarp>(x, lane, vectors, raw);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    float values[kN];
    Unpack(raw[i], values);
#pragma unroll
    for (float value : values) sum += value * value;
  }
  const float inverse = rsqrtf(WarpSum(sum) / static_cast<float>(args.channels) + args.eps);
  const bool rotate = args.rope.t != nullptr;
  const Coordinate at = rotate ? CoordinateOf(args.rope, token) : Coordinate{0, 0, 0};
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int c = (lane + i * kWarp) * kN;
    if (c >= args.channels) continue;
    float values[kN];
    float2 factors[kN / 2] = {};
    Unpack(raw[i], values);
    if (rotate) {
#pragma unroll
      for (int j = 0; j < kN / 2; ++j) {
        factors[j] = Factor(args.rope, at, c % args.head_dim / 2 + j);
      }
    }
    NormRotate(values, inverse, args.weight + c, factors, rotate);
    Store(static_cast<T*>(args.out) + token * args.out_stride, c, values);
  }
}

template <typename T>
void LaunchForWidth(const RmsRopeRowsArgs& args, cudaStream_t stream) {
  const unsigned int blocks = TokenBlocks(args.tokens, kRows);
  const int64_t lane_vectors = (args.channels / kLanes<T> + kWarp - 1) / kWarp;
  if (lane_vectors <= 2) {
    RmsRopeRowsKernel<T, 2><<<blocks, kRows * kWarp, 0, stream>>>(args);
  } else if (lane_vectors <= 6) {
    RmsRopeRowsKernel<T, 6><<<blocks, kRows * kWarp, 0, stream>>>(args);
  } else {
    RmsRopeRowsKernel<T, 12><<<blocks, kRows * kWarp, 0, stream>>>(args);
  }
}

}  // namespace

void LaunchRmsRopeRows(const RmsRopeRowsArgs& args, Stream stream) {
  CheckChannels("RmsRopeRows", args.channels, RmsRopeRowsMaxChannels(args.type));
  DispatchDType(args.type, [&]<typename T>() { LaunchForWidth<T>(args, ToCuda(stream)); });
  CheckLaunch("RmsRopeRows");
}

}  // namespace t3::kernels
