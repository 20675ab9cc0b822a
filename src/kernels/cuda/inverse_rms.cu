// Inverse root mean square, one warp per row.
#include "kernels/cuda/dispatch.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.cuh"
#include "kernels/inverse_rms.h"

namespace t3::kernels {
namespace {

constexpr int kRowsPerBlock = 8;  // one warp each

template <typename T>
__global__ void __launch_bounds__(256) InverseRmsKernel(const InverseRmsArgs args) {
  const int64_t token = static_cast<int64_t>(blockIdx.x) * kRowsPerBlock + threadIdx.x / kWarp;
  if (token >= args.tokens) return;
  const T* x = static_cast<const T*>(args.x) + token * args.stride;
  float sum = 0;
  for (int64_t part = 0; part < args.parts; ++part, x += args.part_stride) {
#pragma unroll 4
    for (int c = threadIdx.x % kWarp * kLanes<T>; c < args.channels; c += kWarp * kLanes<T>) {
      float values[kLanes<T>];
      Load(x, c, values);
#pragma unroll
      for (float value : values) sum += value * value;
    }
  }
  sum = WarpSum(sum);
  if (threadIdx.x % kWarp == 0) {
    args.out[token] = rsqrtf(sum / static_cast<float>(args.parts * args.channels) + args.eps);
  }
}

}  // namespace

void LaunchInverseRms(const InverseRmsArgs& args, Stream stream) {
  const unsigned int blocks = TokenBlocks(args.tokens, kRowsPerBlock);
  DispatchDType(args.type, [&]<typename T>() {
    InverseRmsKernel<T><<<blocks, kRowsPerBlock * kWarp, 0, ToCuda(stream)>>>(args);
  });
  CheckLaunch("InverseRms");
}

}  // namespace t3::kernels
