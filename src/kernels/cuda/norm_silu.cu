// Channel norm + SiLU of feature maps: memory-bound, x is read once and out is written once.
#include "kernels/cuda/map_vectors.cuh"
#include "kernels/norm_silu.h"

namespace t3::kernels {
namespace {

// Vectors lane, lane + group, ... of a position, with its bias; zeros if it does not exist. Returns
// the sum of their squares.
template <typename T, int NV>
__device__ float LoadPosition(const NormSiluArgs& args, const T* x, bool exists, int lane,
                              int group, int vectors, float (&values)[NV][kLanes<T>]) {
  constexpr int kN = kLanes<T>;
  float sum = 0;
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int v = lane + i * group;
#pragma unroll
    for (int j = 0; j < kN; ++j) values[i][j] = 0;
    if (exists && v < vectors) {
      Load(x, v * kN, values[i]);
      if (args.bias) {
        float bias[kN];
        LoadFloats(args.bias + v * kN, bias);
#pragma unroll
        for (int j = 0; j < kN; ++j) values[i][j] += bias[j];
      }
    }
#pragma unroll
    for (int j = 0; j < kN; ++j) sum += values[i][j] * values[i][j];
  }
  return sum;
}

// values * inverse * gamma, then SiLU.
template <int N>
__device__ void ScaleSilu(const NormSiluArgs& args, int channel, float inverse,
                          float (&values)[N]) {
  float gamma[N];
  LoadFloats(args.gamma + channel, gamma);
#pragma unroll
  for (int j = 0; j < N; ++j) {
    const float y = values[j] * inverse * gamma[j];
    values[j] = args.silu ? y / (1.f + __expf(-y)) : y;
  }
}

// `group` lanes take a position, NV vectors each.
template <typename T, int NV>
__global__ void __launch_bounds__(kMapThreads) NormSiluKernel(const NormSiluArgs args, int group) {
  constexpr int kN = kLanes<T>;
  const unsigned int columns = static_cast<unsigned int>(args.columns);
  const unsigned int out_rows = static_cast<unsigned int>(args.out_rows);
  const unsigned int positions = static_cast<unsigned int>(args.frames) * out_rows * columns;
  const unsigned int position =
      blockIdx.x * (kMapThreads / group) + threadIdx.x / static_cast<unsigned int>(group);
  const bool inside = position < positions;  // no early return: lanes meet in GroupedSum
  const int lane = threadIdx.x % group;
  const unsigned int line = inside ? position / columns : 0;
  const unsigned int column = inside ? position % columns : 0;
  const int64_t row = line % out_rows + args.first_row;
  const bool exists = inside && row >= 0 && row < args.x_rows;
  const int vectors = static_cast<int>(args.channels) / kN;
  const T* x = static_cast<const T*>(args.x) + (line / out_rows) * args.x_frame_stride +
               (row * args.columns + column) * args.channels;
  float values[NV][kN];
  const float sum = LoadPosition<T, NV>(args, x, exists, lane, group, vectors, values);
  const float inverse = args.gamma ? 1.f / fmaxf(sqrtf(GroupedSum(sum, group)), 1e-12f) : 1.f;
  if (!inside) return;
  T* out = static_cast<T*>(args.out) + static_cast<int64_t>(position) * args.channels;
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int v = lane + i * group;
    if (v >= vectors) continue;
    if (args.gamma) ScaleSilu(args, v * kN, inverse, values[i]);
    Store(out, v * kN, values[i]);
  }
}

template <typename T, int NV>
void Launch(const NormSiluArgs& args, int group, cudaStream_t stream) {
  const int64_t positions = args.frames * args.out_rows * args.columns;
  NormSiluKernel<T, NV>
      <<<TokenBlocks(positions, kMapThreads / group), kMapThreads, 0, stream>>>(args, group);
}

// As few lanes as hold a position in at most 4 vectors each, else a warp with up to 8.
template <typename T>
void LaunchForWidth(const NormSiluArgs& args, cudaStream_t stream) {
  const int64_t vectors = args.channels / kLanes<T>;
  const int group = LanesForVectors(vectors);
  const int64_t lane_vectors = (vectors + group - 1) / group;
  if (lane_vectors <= 1) {
    Launch<T, 1>(args, group, stream);
  } else if (lane_vectors <= 2) {
    Launch<T, 2>(args, group, stream);
  } else if (lane_vectors <= 3) {
    Launch<T, 3>(args, group, stream);
  } else if (lane_vectors <= 4) {
    Launch<T, 4>(args, group, stream);
  } else {
    Launch<T, 8>(args, group, stream);
  }
}

}  // namespace

void LaunchNormSilu(const NormSiluArgs& args, Stream stream) {
  CheckChannels("NormSilu", args.channels / VectorElements(args.type), kNormSiluMaxVectors);
  DispatchDType(args.type, [&]<typename T>() { LaunchForWidth<T>(args, ToCuda(stream)); });
  CheckLaunch("NormSilu");
}

}  // namespace t3::kernels
