// RMSNorm, RoPE and the scatter into window order.
#include "kernels/cuda/dispatch.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/rope.cuh"
#include "kernels/cuda/vector.cuh"
#include "kernels/rms_rope_scatter.h"

namespace t3::kernels {
namespace {

const dim3 kScatterBlock(64, 4);  // vectors of a token's heads, tokens

__device__ int64_t TargetRow(const ScatterTarget& target, int64_t token) {
  return target.rows ? target.rows[token] : token;
}

// A thread takes the same vector of q, k and v, which share the angle and the target rows. All
// three are read before the first is written, so that the loads are in flight together.
template <typename T, int TARGETS>
__global__ void __launch_bounds__(256) RmsRopeScatterKernel(const RmsRopeScatterArgs args) {
  constexpr int kN = kLanes<T>;
  const int64_t token = static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
  if (token >= args.tokens) return;
  int64_t offset[TARGETS];
#pragma unroll
  for (int i = 0; i < TARGETS; ++i) {
    offset[i] = TargetRow(args.target[i], token) * args.target[i].stride;
  }
  const bool rotate = args.rope.t != nullptr;
  const Coordinate at = rotate ? CoordinateOf(args.rope, token) : Coordinate{0, 0, 0};
  const int channels = args.heads * args.head_dim;
  for (int c = threadIdx.x * kN; c < channels; c += blockDim.x * kN) {
    uint4 v = make_uint4(0, 0, 0, 0);
    float q[kN] = {}, k[kN] = {};
    float2 factors[kN / 2] = {};
    if (args.q) Load(static_cast<const T*>(args.q), token * args.q_stride + c, q);
    if (args.k) Load(static_cast<const T*>(args.k), token * args.k_stride + c, k);
    if (args.v) {
      v = *reinterpret_cast<const uint4*>(static_cast<const T*>(args.v) + token * args.v_stride +
                                          c);
    }
    if (rotate) {
#pragma unroll
      for (int i = 0; i < kN / 2; ++i) {
        factors[i] = Factor(args.rope, at, c % args.head_dim / 2 + i);
      }
    }
    if (args.q) NormRotate(q, args.q_inverse[token], args.q_weight + c, factors, rotate);
    if (args.k) NormRotate(k, args.k_inverse[token], args.k_weight + c, factors, rotate);
#pragma unroll
    for (int i = 0; i < TARGETS; ++i) {
      const ScatterTarget& target = args.target[i];
      if (args.q) Store(static_cast<T*>(target.q), offset[i] + c, q);
      if (args.k) Store(static_cast<T*>(target.k), offset[i] + c, k);
      if (args.v) *reinterpret_cast<uint4*>(static_cast<T*>(target.v) + offset[i] + c) = v;
    }
  }
}

template <typename T>
void LaunchForTargets(const RmsRopeScatterArgs& args, cudaStream_t stream) {
  const unsigned int blocks = TokenBlocks(args.tokens, kScatterBlock.y);
  if (args.targets == 1) {
    RmsRopeScatterKernel<T, 1><<<blocks, kScatterBlock, 0, stream>>>(args);
  } else {
    RmsRopeScatterKernel<T, 2><<<blocks, kScatterBlock, 0, stream>>>(args);
  }
}

}  // namespace

void LaunchRmsRopeScatter(const RmsRopeScatterArgs& args, Stream stream) {
  DispatchDType(args.type, [&]<typename T>() { LaunchForTargets<T>(args, ToCuda(stream)); });
  CheckLaunch("RmsRopeScatter");
}

}  // namespace t3::kernels
