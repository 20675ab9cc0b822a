// The gated residual: memory-bound, each operand is read or written once.
#include "kernels/add_gated.h"
#include "kernels/cuda/dispatch.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.cuh"
#include "kernels/cuda/vector_rows.cuh"

namespace t3::kernels {
namespace {

const dim3 kGatedBlock(64, 4);  // vectors of a token, tokens

template <typename T>
__global__ void __launch_bounds__(256) AddGatedKernel(const AddGatedArgs args) {
  constexpr int kN = kLanes<T>;
  const int64_t token = static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
  if (token >= args.tokens) return;
  const T* x = static_cast<const T*>(args.x) + token * args.x_stride;
  T* out = static_cast<T*>(args.out) + token * args.x_stride;
  const T* y = static_cast<const T*>(args.y) + token * args.y_stride;
  const float* gate = args.gate + RowOf(args.rows, token) * args.channels;
  for (int c = threadIdx.x * kN; c < args.channels; c += blockDim.x * kN) {
    float a[kN], b[kN], g[kN];
    Load(x, c, a);
    Load(y, c, b);
    LoadFloats(gate + c, g);
#pragma unroll
    for (int i = 0; i < kN; ++i) a[i] += g[i] * b[i];
    Store(out, c, a);
  }
}

}  // namespace

void LaunchAddGated(const AddGatedArgs& args, Stream stream) {
  const unsigned int blocks = TokenBlocks(args.tokens, kGatedBlock.y);
  DispatchDType(args.type, [&]<typename T>() {
    AddGatedKernel<T><<<blocks, kGatedBlock, 0, ToCuda(stream)>>>(args);
  });
  CheckLaunch("AddGated");
}

}  // namespace t3::kernels
