// The gradients of LayerNorm with a modulation and of the gated residual: every tensor is read or
// written once; blockIdx.y is the vector, its blocks stride over the tokens that it serves.
#include "kernels/cuda/grouped.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/modulate_backward.h"

namespace t3::kernels {
namespace {

__device__ int64_t ShareOffset(const TokenRows& tokens) {
  return (static_cast<int64_t>(blockIdx.y) * gridDim.x + blockIdx.x) * tokens.channels;
}

template <typename T, typename Dy, int NV>
__global__ void __launch_bounds__(kGroupedThreads)
    LayerNormBackwardKernel(const LayerNormModulateBackwardArgs args, int group) {
  constexpr int kN = kLanes<T>;
  extern __shared__ float shared[];
  const int channels = static_cast<int>(args.tokens.channels), vectors = channels / kN;
  const int lane = threadIdx.x % group, slot = threadIdx.x / group;
  const int slots = kGroupedThreads / group;
  const float part = 1.f / static_cast<float>(channels);
  float multiplier[NV][kN], dm[NV][kN] = {}, ds[NV][kN] = {};
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int v = lane + i * group;
#pragma unroll
    for (int j = 0; j < kN; ++j) multiplier[i][j] = 0;
    if (v < vectors) {
      LoadFloats(args.multiplier + static_cast<int64_t>(blockIdx.y) * channels + v * kN,
                 multiplier[i]);
    }
  }
  const int64_t step = static_cast<int64_t>(gridDim.x) * slots;
  // All lanes of a warp stay in the loop together: they meet in the sums.
  for (int64_t first = static_cast<int64_t>(blockIdx.x) * slots; first < args.tokens.each;
       first += step) {
    const int64_t position = first + slot;
    const bool inside = position < args.tokens.each;
    const int64_t offset = (blockIdx.y * args.tokens.each + position) * channels;
    float x[NV][kN], g[NV][kN];
    float sum = 0;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
      const int v = lane + i * group;
#pragma unroll
      for (int j = 0; j < kN; ++j) x[i][j] = g[i][j] = 0;
      if (inside && v < vectors) {
        Load(static_cast<const T*>(args.x), offset + v * kN, x[i]);
        if constexpr (std::is_same_v<Dy, float>) {
          LoadFloats(static_cast<const float*>(args.dy) + offset + v * kN, g[i]);
        } else {
          Load(static_cast<const Dy*>(args.dy), offset + v * kN, g[i]);
        }
      }
#pragma unroll
      for (int j = 0; j < kN; ++j) sum += x[i][j];
    }
    const float mean = GroupedSum(sum, group) * part;
    float square = 0;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
      const bool own = lane + i * group < vectors;
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        x[i][j] = own ? x[i][j] - mean : 0.f;
        square += x[i][j] * x[i][j];
      }
    }
    const float inverse = rsqrtf(GroupedSum(square, group) * part + args.eps);
    float plain = 0, along = 0;  // of n's gradient, and of its product with n
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        x[i][j] *= inverse;
        dm[i][j] += g[i][j] * x[i][j];
        ds[i][j] += g[i][j];
        g[i][j] *= multiplier[i][j];
        plain += g[i][j];
        along += g[i][j] * x[i][j];
      }
    }
    plain = GroupedSum(plain, group) * part;
    along = GroupedSum(along, group) * part;
    if (!inside) continue;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
      const int v = lane + i * group;
      if (v >= vectors) continue;
#pragma unroll
      for (int j = 0; j < kN; ++j) g[i][j] = inverse * (g[i][j] - plain - x[i][j] * along);
      Store(static_cast<T*>(args.dx), offset + v * kN, g[i]);
    }
  }
  const int64_t share = ShareOffset(args.tokens);
  WriteShares(dm, shared, args.multiplier_shares + share, channels, group);
  WriteShares(ds, shared, args.shift_shares + share, channels, group);
}

template <typename T, int NV>
__global__ void __launch_bounds__(kGroupedThreads)
    AddGatedBackwardKernel(const AddGatedBackwardArgs args, int group) {
  constexpr int kN = kLanes<T>;
  extern __shared__ float shared[];
  const int channels = static_cast<int>(args.tokens.channels), vectors = channels / kN;
  const int lane = threadIdx.x % group, slot = threadIdx.x / group;
  const int slots = kGroupedThreads / group;
  float gate[NV][kN], dg[NV][kN] = {};
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int v = lane + i * group;
    if (v < vectors) {
      LoadFloats(args.gate + static_cast<int64_t>(blockIdx.y) * channels + v * kN, gate[i]);
    }
  }
  const int64_t step = static_cast<int64_t>(gridDim.x) * slots;
  for (int64_t position = static_cast<int64_t>(blockIdx.x) * slots + slot;
       position < args.tokens.each; position += step) {
    const int64_t offset = (blockIdx.y * args.tokens.each + position) * channels;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
      const int v = lane + i * group;
      if (v >= vectors) continue;
      float d[kN], y[kN];
      Load(static_cast<const T*>(args.d), offset + v * kN, d);
      Load(static_cast<const T*>(args.y), offset + v * kN, y);
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        dg[i][j] += d[j] * y[j];
        d[j] *= gate[i][j];
      }
      Store(static_cast<T*>(args.dy), offset + v * kN, d);
    }
  }
  WriteShares(dg, shared, args.gate_shares + ShareOffset(args.tokens), channels, group);
}

dim3 GridOf(const TokenRows& tokens) {
  return {static_cast<unsigned int>(tokens.blocks), static_cast<unsigned int>(tokens.rows)};
}

template <typename T, typename Dy>
void StartLayerNorm(const LayerNormModulateBackwardArgs& args, cudaStream_t stream) {
  ForGroups<T>(args.tokens.channels, [&](const GroupedLaunch& launch, auto vectors) {
    LayerNormBackwardKernel<T, Dy, decltype(vectors)::value>
        <<<GridOf(args.tokens), kGroupedThreads, launch.shared, stream>>>(args, launch.group);
  });
}

template <typename T>
void StartAddGated(const AddGatedBackwardArgs& args, cudaStream_t stream) {
  ForGroups<T>(args.tokens.channels, [&](const GroupedLaunch& launch, auto vectors) {
    AddGatedBackwardKernel<T, decltype(vectors)::value>
        <<<GridOf(args.tokens), kGroupedThreads, launch.shared, stream>>>(args, launch.group);
  });
}

void CheckWidth(const char* kernel, const TokenRows& tokens) {
  CheckChannels(kernel, tokens.channels / VectorElements(tokens.type),
                kModulateBackwardMostVectors);
}

}  // namespace

void LayerNormModulateBackward(const LayerNormModulateBackwardArgs& args, Stream stream) {
  CheckWidth("LayerNormModulateBackward", args.tokens);
  if (args.tokens.type == DType::kFloat32) {
    StartLayerNorm<float, float>(args, ToCuda(stream));
  } else if (args.dy_type == DType::kFloat32) {
    StartLayerNorm<__nv_bfloat16, float>(args, ToCuda(stream));
  } else {
    StartLayerNorm<__nv_bfloat16, __nv_bfloat16>(args, ToCuda(stream));
  }
  CheckLaunch("LayerNormModulateBackward");
}

void AddGatedBackward(const AddGatedBackwardArgs& args, Stream stream) {
  CheckWidth("AddGatedBackward", args.tokens);
  if (args.tokens.type == DType::kFloat32) {
    StartAddGated<float>(args, ToCuda(stream));
  } else {
    StartAddGated<__nv_bfloat16>(args, ToCuda(stream));
  }
  CheckLaunch("AddGatedBackward");
}

}  // namespace t3::kernels
