// From window order back to token order, averaging the partitions.
#include "kernels/cuda/dispatch.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.cuh"
#include "kernels/window_mean.h"

namespace t3::kernels {
namespace {

const dim3 kMeanBlock(64, 4);  // vectors of a token, tokens

__device__ int64_t SourceRow(const WindowMeanArgs::Source& source, int64_t token) {
  return source.rows ? source.rows[token] : token;
}

template <typename T, int SOURCES>
__global__ void __launch_bounds__(256) WindowMeanKernel(const WindowMeanArgs args) {
  constexpr int kN = kLanes<T>;
  const int64_t token = static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
  if (token >= args.tokens) return;
  const T* source[SOURCES];
#pragma unroll
  for (int i = 0; i < SOURCES; ++i) {
    source[i] = static_cast<const T*>(args.source[i].data) +
                SourceRow(args.source[i], token) * args.channels;
  }
  T* out = static_cast<T*>(args.out) + token * args.out_stride;
  for (int c = threadIdx.x * kN; c < args.channels; c += blockDim.x * kN) {
    float sum[kN];
    Load(source[0], c, sum);
    if constexpr (SOURCES == 2) {
      float other[kN];
      Load(source[1], c, other);
#pragma unroll
      for (int i = 0; i < kN; ++i) sum[i] = (sum[i] + other[i]) * 0.5f;
    }
    Store(out, c, sum);
  }
}

template <typename T>
void LaunchForSources(const WindowMeanArgs& args, cudaStream_t stream) {
  const unsigned int blocks = TokenBlocks(args.tokens, kMeanBlock.y);
  if (args.sources == 1) {
    WindowMeanKernel<T, 1><<<blocks, kMeanBlock, 0, stream>>>(args);
  } else {
    WindowMeanKernel<T, 2><<<blocks, kMeanBlock, 0, stream>>>(args);
  }
}

}  // namespace

void LaunchWindowMean(const WindowMeanArgs& args, Stream stream) {
  DispatchDType(args.type, [&]<typename T>() { LaunchForSources<T>(args, ToCuda(stream)); });
  CheckLaunch("WindowMean");
}

}  // namespace t3::kernels
