// The gradient of the modulated LayerNorm: every tensor is read or written once.
#include "kernels/cuda/dispatch.cuh"
#include "kernels/cuda/row_gradient.cuh"
#include "kernels/cuda/token_rows.cuh"
#include "kernels/layer_norm_backward.h"

namespace t3::kernels {
namespace {

// x becomes n = (x - mean) / sqrt(var + eps); returns 1 / sqrt(var + eps).
template <int NV, int N>
__device__ float Normalise(const RowGroup<NV, N>& row, float eps, float (&x)[NV][N]) {
  const float inverse_count = 1.f / static_cast<float>(row.channels);
  const float mean = row.Sum(x) * inverse_count;
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const bool in_row = (row.lane + i * row.group) * N < row.channels;
#pragma unroll
    for (int j = 0; j < N; ++j) x[i][j] = in_row ? x[i][j] - mean : 0.f;
  }
  const float inverse = rsqrtf(row.SumOfSquares(x) * inverse_count + eps);
#pragma unroll
  for (int i = 0; i < NV; ++i) {
#pragma unroll
    for (int j = 0; j < N; ++j) x[i][j] *= inverse;
  }
  return inverse;
}

template <typename T, typename Dy, int NV>
__global__ void __launch_bounds__(kRowGradientThreads)
    LayerNormBackwardKernel(const LayerNormModulateBackwardArgs args, int group) {
  constexpr int kN = kLanes<T>;
  extern __shared__ float shared[];
  const RowGroup<NV, kN> row(args.tokens.channels, group);
  const float inverse_count = 1.f / static_cast<float>(row.channels);
  float multiplier[NV][kN], dm[NV][kN] = {}, ds[NV][kN] = {};
  row.Load(args.multiplier + VectorOffset(args.tokens), true, multiplier);
  row.ForEachRow(args.tokens.tokens_per_row, [&](int64_t position, bool inside) {
    const int64_t offset = TokenOffset(args.tokens, position);
    float x[NV][kN], g[NV][kN];
    row.Load(static_cast<const T*>(args.x) + offset, inside, x);
    row.Load(static_cast<const Dy*>(args.dy) + offset, inside, g);
    const float inverse = Normalise(row, args.eps, x);
    float mean_dn = 0, mean_dn_n = 0;  // of n's gradient, and of its product with n
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        dm[i][j] += g[i][j] * x[i][j];
        ds[i][j] += g[i][j];
        g[i][j] *= multiplier[i][j];
        mean_dn += g[i][j];
        mean_dn_n += g[i][j] * x[i][j];
      }
    }
    mean_dn = GroupedSum(mean_dn, group) * inverse_count;
    mean_dn_n = GroupedSum(mean_dn_n, group) * inverse_count;
    if (!inside) return;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < kN; ++j) g[i][j] = inverse * (g[i][j] - mean_dn - x[i][j] * mean_dn_n);
    }
    row.Store(static_cast<T*>(args.dx) + offset, g);
  });
  row.WriteBlockSums(dm, shared, args.multiplier_sums + SumsOffset(args.tokens));
  row.WriteBlockSums(ds, shared, args.shift_sums + SumsOffset(args.tokens));
}

template <typename T, typename Dy>
void Launch(const LayerNormModulateBackwardArgs& args, cudaStream_t stream) {
  DispatchRowGroups<T>(args.tokens.channels, [&](const RowGradientLaunch& launch, auto vectors) {
    LayerNormBackwardKernel<T, Dy, decltype(vectors)::value>
        <<<GridOf(args.tokens), kRowGradientThreads, launch.shared, stream>>>(args, launch.group);
  });
}

}  // namespace

void LaunchLayerNormModulateBackward(const LayerNormModulateBackwardArgs& args, Stream stream) {
  CheckTokenRows("LayerNormModulateBackward", args.tokens);
  DispatchDType(args.tokens.type, [&]<typename T>() {
    if (args.dy_type == DType::kFloat32) {
      Launch<T, float>(args, ToCuda(stream));
    } else {
      Launch<T, T>(args, ToCuda(stream));
    }
  });
  CheckLaunch("LayerNormModulateBackward");
}

}  // namespace t3::kernels
