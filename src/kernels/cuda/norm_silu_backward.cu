// The gradient of norm + SiLU: x and dy are read once, dx is written once.
#include "kernels/cuda/dispatch.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/row_gradient.cuh"
#include "kernels/norm_silu_backward.h"

namespace t3::kernels {
namespace {

// The gradient of n * sigmoid(n) with respect to n, times dy.
__device__ float SiluBackward(float dy, float n) {
  const float s = 1.f / (1.f + __expf(-n));
  return dy * s * (1.f + n * (1.f - s));
}

template <typename T, int NV>
__global__ void __launch_bounds__(kRowGradientThreads)
    NormSiluBackwardKernel(const NormSiluBackwardArgs args, int group) {
  constexpr int kN = kLanes<T>;
  extern __shared__ float shared[];
  const RowGroup<NV, kN> row(args.channels, group);
  float gamma[NV][kN], dgamma[NV][kN] = {};
  row.Load(args.gamma, true, gamma);
  row.ForEachRow(args.positions, [&](int64_t position, bool inside) {
    const int64_t offset = position * row.channels;
    float x[NV][kN], dn[NV][kN];
    row.Load(static_cast<const T*>(args.x) + offset, inside, x);
    row.Load(static_cast<const T*>(args.dy) + offset, inside, dn);
    const float length = sqrtf(row.SumOfSquares(x));
    const float r = 1.f / fmaxf(length, 1e-12f);
    float inner = 0;  // of x and the gradient of x r
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        const float unit = x[i][j] * r;
        if (args.silu) dn[i][j] = SiluBackward(dn[i][j], unit * gamma[i][j]);
        dgamma[i][j] += dn[i][j] * unit;
        dn[i][j] *= gamma[i][j];
        inner += dn[i][j] * unit;
      }
    }
    inner = GroupedSum(inner, group);
    if (length < 1e-12f) inner = 0;  // r is a constant there
    if (!inside) return;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < kN; ++j) dn[i][j] = r * (dn[i][j] - x[i][j] * r * inner);
    }
    row.Store(static_cast<T*>(args.dx) + offset, dn);
  });
  row.WriteBlockSums(dgamma, shared, args.gamma_sums + blockIdx.x * args.channels);
}

}  // namespace

void LaunchNormSiluBackward(const NormSiluBackwardArgs& args, Stream stream) {
  CheckChannels("NormSiluBackward", args.channels / VectorElements(args.type),
                kNormSiluBackwardMaxVectors);
  DispatchDType(args.type, [&]<typename T>() {
    DispatchRowGroups<T>(args.channels, [&](const RowGradientLaunch& launch, auto vectors) {
      NormSiluBackwardKernel<T, decltype(vectors)::value>
          <<<static_cast<unsigned int>(args.blocks), kRowGradientThreads, launch.shared,
             ToCuda(stream)>>>(args, launch.group);
    });
  });
  CheckLaunch("NormSiluBackward");
}

}  // namespace t3::kernels
