// The gradient of norm + SiLU: x and dy are read once, dx is written once.
#include "kernels/cuda/grouped.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/norm_silu_backward.h"

namespace t3::kernels {
namespace {

// What dy is before the SiLU, at n.
__device__ float BeforeSilu(float dy, float n) {
  const float s = 1.f / (1.f + __expf(-n));
  return dy * s * (1.f + n * (1.f - s));
}

// `group` lanes take a position, NV vectors each; blocks stride over positions, so that a thread
// sums its channels' share of gamma's gradient in registers.
template <typename T, int NV>
__global__ void __launch_bounds__(kGroupedThreads)
    NormSiluBackwardKernel(const NormSiluBackwardArgs args, int group) {
  constexpr int kN = kLanes<T>;
  extern __shared__ float shares[];  // (positions of the block, channels)
  const int channels = static_cast<int>(args.channels), vectors = channels / kN;
  const int lane = threadIdx.x % group, slot = threadIdx.x / group, slots = kGroupedThreads / group;
  float gamma[NV][kN], share[NV][kN];
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int v = lane + i * group;
#pragma unroll
    for (int j = 0; j < kN; ++j) gamma[i][j] = share[i][j] = 0;
    if (v < vectors) LoadFloats(args.gamma + v * kN, gamma[i]);
  }
  const int64_t step = static_cast<int64_t>(gridDim.x) * slots;
  // All lanes of a warp stay in the loop together: they meet in the sums.
  for (int64_t first = static_cast<int64_t>(blockIdx.x) * slots; first < args.positions;
       first += step) {
    const int64_t position = first + slot;
    const bool inside = position < args.positions;
    const int64_t offset = position * channels;
    float x[NV][kN], dn[NV][kN];
    float square = 0;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
      const int v = lane + i * group;
#pragma unroll
      for (int j = 0; j < kN; ++j) x[i][j] = dn[i][j] = 0;
      if (inside && v < vectors) {
        Load(static_cast<const T*>(args.x), offset + v * kN, x[i]);
        Load(static_cast<const T*>(args.dy), offset + v * kN, dn[i]);
      }
#pragma unroll
      for (int j = 0; j < kN; ++j) square += x[i][j] * x[i][j];
    }
    const float length = sqrtf(GroupedSum(square, group));
    const float r = 1.f / fmaxf(length, 1e-12f);
    float inner = 0;  // of x and the gradient of x r
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        const float unit = x[i][j] * r;
        if (args.silu) dn[i][j] = BeforeSilu(dn[i][j], unit * gamma[i][j]);
        share[i][j] += dn[i][j] * unit;
        dn[i][j] *= gamma[i][j];
        inner += dn[i][j] * unit;
      }
    }
    inner = GroupedSum(inner, group);
    if (length < 1e-12f) inner = 0;  // r is a constant there
    if (!inside) continue;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
      const int v = lane + i * group;
      if (v >= vectors) continue;
#pragma unroll
      for (int j = 0; j < kN; ++j) dn[i][j] = r * (dn[i][j] - x[i][j] * r * inner);
      Store(static_cast<T*>(args.dx), offset + v * kN, dn[i]);
    }
  }
  WriteShares(share, shares, args.gamma_shares + static_cast<int64_t>(blockIdx.x) * channels,
              channels, group);
}

template <typename T>
void Start(const NormSiluBackwardArgs& args, cudaStream_t stream) {
  ForGroups<T>(args.channels, [&](const GroupedLaunch& launch, auto vectors) {
    NormSiluBackwardKernel<T, decltype(vectors)::value>
        <<<static_cast<unsigned int>(args.blocks), kGroupedThreads, launch.shared, stream>>>(
            args, launch.group);
  });
}

}  // namespace

void NormSiluBackward(const NormSiluBackwardArgs& args, Stream stream) {
  CheckChannels("NormSiluBackward", args.channels / VectorElements(args.type),
                kNormSiluBackwardMaxVectors);
  if (args.type == DType::kFloat32) {
    Start<float>(args, ToCuda(stream));
  } else {
    Start<__nv_bfloat16>(args, ToCuda(stream));
  }
  CheckLaunch("NormSiluBackward");
}

}  // namespace t3::kernels
