// The gradient of RMSNorm and RoPE: x and dy are read once, dx is written once.
#include "kernels/cuda/dispatch.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/rope.cuh"
#include "kernels/cuda/row_gradient.cuh"
#include "kernels/rms_rope_backward.h"

namespace t3::kernels {
namespace {

// Rotates a token's pairs back: the transposed rotation.
template <int NV, int N>
__device__ void RotateBack(const RowGroup<NV, N>& row, const RopeArgs& rope, int64_t token,
                           int head_dim, float (&values)[NV][N]) {
  const Coordinate at = CoordinateOf(rope, token);
  row.ForEachVector([&](int i, int channel) {
#pragma unroll
    for (int j = 0; j < N / 2; ++j) {
      const float2 factor = Factor(rope, at, channel % head_dim / 2 + j);
      const float a = values[i][2 * j], b = values[i][2 * j + 1];
      values[i][2 * j] = a * factor.x + b * factor.y;
      values[i][2 * j + 1] = b * factor.x - a * factor.y;
    }
  });
}

template <typename T, int NV>
__global__ void __launch_bounds__(kRowGradientThreads)
    RmsRopeBackwardKernel(const RmsRopeBackwardArgs args, int group) {
  constexpr int kN = kLanes<T>;
  extern __shared__ float shared[];
  const RowGroup<NV, kN> row(args.channels, group);
  const float inverse_count = 1.f / static_cast<float>(row.channels);
  const bool rotate = args.rope.t != nullptr;
  float weight[NV][kN], dw[NV][kN] = {};
  row.Load(args.weight, true, weight);
  row.ForEachRow(args.tokens, [&](int64_t token, bool inside) {
    const int64_t offset = token * row.channels;
    float x[NV][kN], g[NV][kN];
    row.Load(static_cast<const T*>(args.x) + offset, inside, x);
    row.Load(static_cast<const T*>(args.dy) + offset, inside, g);
    if (rotate && inside) RotateBack(row, args.rope, token, args.head_dim, g);
    const float inverse = rsqrtf(row.SumOfSquares(x) * inverse_count + args.eps);
    float mean_dn_n = 0;  // of the gradient of n = x * inverse with n
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        x[i][j] *= inverse;
        dw[i][j] += g[i][j] * x[i][j];
        g[i][j] *= weight[i][j];
        mean_dn_n += g[i][j] * x[i][j];
      }
    }
    mean_dn_n = GroupedSum(mean_dn_n, group) * inverse_count;
    if (!inside) return;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < kN; ++j) g[i][j] = inverse * (g[i][j] - x[i][j] * mean_dn_n);
    }
    row.Store(static_cast<T*>(args.dx) + offset, g);
  });
  row.WriteBlockSums(dw, shared, args.weight_sums + blockIdx.x * args.channels);
}

}  // namespace

void LaunchRmsRopeBackward(const RmsRopeBackwardArgs& args, Stream stream) {
  CheckChannels("RmsRopeBackward", args.channels / VectorElements(args.type),
                kRmsRopeBackwardMaxVectors);
  DispatchDType(args.type, [&]<typename T>() {
    DispatchRowGroups<T>(args.channels, [&](const RowGradientLaunch& launch, auto vectors) {
      RmsRopeBackwardKernel<T, decltype(vectors)::value>
          <<<static_cast<unsigned int>(args.blocks), kRowGradientThreads, launch.shared,
             ToCuda(stream)>>>(args, launch.group);
    });
  });
  CheckLaunch("RmsRopeBackward");
}

}  // namespace t3::kernels
