// The gradient of RMSNorm and RoPE: x and dy are read once, dx is written once.
#include "kernels/cuda/grouped.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/rope.cuh"
#include "kernels/rms_rope_backward.h"

namespace t3::kernels {
namespace {

// Turns a vector's pairs back: the transposed rotation.
template <int N>
__device__ void RotateBack(float (&values)[N], const RopeArgs& rope, const Coordinate& at,
                           int pair) {
#pragma unroll
  for (int i = 0; i < N / 2; ++i) {
    const float2 factor = Factor(rope, at, pair + i);
    const float a = values[2 * i], b = values[2 * i + 1];
    values[2 * i] = a * factor.x + b * factor.y;
    values[2 * i + 1] = b * factor.x - a * factor.y;
  }
}

template <typename T, int NV>
__global__ void __launch_bounds__(kGroupedThreads)
    RmsRopeBackwardKernel(const RmsRopeBackwardArgs args, int group) {
  constexpr int kN = kLanes<T>;
  extern __shared__ float shared[];
  const int channels = static_cast<int>(args.channels), vectors = channels / kN;
  const int lane = threadIdx.x % group, slot = threadIdx.x / group;
  const int slots = kGroupedThreads / group;
  const float part = 1.f / static_cast<float>(channels);
  const bool rotate = args.rope.t != nullptr;
  float weight[NV][kN], dw[NV][kN] = {};
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int v = lane + i * group;
#pragma unroll
    for (int j = 0; j < kN; ++j) weight[i][j] = 0;
    if (v < vectors) LoadFloats(args.weight + v * kN, weight[i]);
  }
  const int64_t step = static_cast<int64_t>(gridDim.x) * slots;
  // All lanes of a warp stay in the loop together: they meet in the sums.
  for (int64_t first = static_cast<int64_t>(blockIdx.x) * slots; first < args.tokens;
       first += step) {
    const int64_t token = first + slot;
    const bool inside = token < args.tokens;
    const int64_t offset = token * channels;
    const Coordinate at = rotate && inside ? CoordinateOf(args.rope, token) : Coordinate{0, 0, 0};
    float x[NV][kN], g[NV][kN];
    float square = 0;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
      const int c = (lane + i * group) * kN;
#pragma unroll
      for (int j = 0; j < kN; ++j) x[i][j] = g[i][j] = 0;
      if (inside && c < channels) {
        Load(static_cast<const T*>(args.x), offset + c, x[i]);
        Load(static_cast<const T*>(args.dy), offset + c, g[i]);
        if (rotate) RotateBack(g[i], args.rope, at, c % args.head_dim / 2);
      }
#pragma unroll
      for (int j = 0; j < kN; ++j) square += x[i][j] * x[i][j];
    }
    const float inverse = rsqrtf(GroupedSum(square, group) * part + args.eps);
    float along = 0;  // of the gradient of x * inverse with x * inverse
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        x[i][j] *= inverse;
        dw[i][j] += g[i][j] * x[i][j];
        g[i][j] *= weight[i][j];
        along += g[i][j] * x[i][j];
      }
    }
    along = GroupedSum(along, group) * part;
    if (!inside) continue;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
      const int v = lane + i * group;
      if (v >= vectors) continue;
#pragma unroll
      for (int j = 0; j < kN; ++j) g[i][j] = inverse * (g[i][j] - x[i][j] * along);
      Store(static_cast<T*>(args.dx), offset + v * kN, g[i]);
    }
  }
  WriteShares(dw, shared, args.weight_shares + static_cast<int64_t>(blockIdx.x) * channels,
              channels, group);
}

template <typename T>
void Start(const RmsRopeBackwardArgs& args, cudaStream_t stream) {
  ForGroups<T>(args.channels, [&](const GroupedLaunch& launch, auto vectors) {
    RmsRopeBackwardKernel<T, decltype(vectors)::value>
        <<<static_cast<unsigned int>(args.blocks), kGroupedThreads, launch.shared, stream>>>(
            args, launch.group);
  });
}

}  // namespace

void RmsRopeBackward(const RmsRopeBackwardArgs& args, Stream stream) {
  CheckChannels("RmsRopeBackward", args.channels / VectorElements(args.type),
                kRmsRopeBackwardMostVectors);
  if (args.type == DType::kFloat32) {
    Start<float>(args, ToCuda(stream));
  } else {
    Start<__nv_bfloat16>(args, ToCuda(stream));
  }
  CheckLaunch("RmsRopeBackward");
}

}  // namespace t3::kernels
