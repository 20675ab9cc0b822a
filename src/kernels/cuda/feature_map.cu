// The VAE's elementwise work: memory-bound, each operand read once and written once.
#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.cuh"
#include "kernels/feature_map.h"

namespace t3::kernels {
namespace {

constexpr int kThreads = 256;

// Indices are 32-bit, because 64-bit division takes several times longer than the memory does:
// callers keep maps below 2^31 vectors. Offsets in elements are 64-bit.
__device__ unsigned int GlobalThread() { return blockIdx.x * kThreads + threadIdx.x; }

// `group` lanes take a position, NV vectors each.
template <typename T, int NV>
__global__ void __launch_bounds__(kThreads) NormSiluKernel(const NormSiluArgs args, int group) {
  constexpr int kN = kLanes<T>;
  const unsigned int columns = static_cast<unsigned int>(args.columns);
  const unsigned int out_rows = static_cast<unsigned int>(args.out_rows);
  const unsigned int positions = static_cast<unsigned int>(args.frames) * out_rows * columns;
  const unsigned int position =
      blockIdx.x * (kThreads / group) + threadIdx.x / static_cast<unsigned int>(group);
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
  const float inverse = args.gamma ? 1.f / fmaxf(sqrtf(GroupedSum(sum, group)), 1e-12f) : 1.f;
  if (!inside) return;
  T* out = static_cast<T*>(args.out) + static_cast<int64_t>(position) * args.channels;
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int v = lane + i * group;
    if (v >= vectors) continue;
    if (args.gamma) {
      float gamma[kN];
      LoadFloats(args.gamma + v * kN, gamma);
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        const float y = values[i][j] * inverse * gamma[j];
        values[i][j] = args.silu ? y / (1.f + __expf(-y)) : y;
      }
    }
    Store(out, v * kN, values[i]);
  }
}

template <typename T, int NV>
void StartNorm(const NormSiluArgs& args, int group, cudaStream_t stream) {
  const int64_t positions = args.frames * args.out_rows * args.columns;
  NormSiluKernel<T, NV>
      <<<TokenBlocks(positions, kThreads / group), kThreads, 0, stream>>>(args, group);
}

// As few lanes as hold a position in at most 4 vectors each, else a warp with up to 8.
template <typename T>
void StartNormForWidth(const NormSiluArgs& args, cudaStream_t stream) {
  const int64_t vectors = args.channels / kLanes<T>;
  const int group = LanesForVectors(vectors);
  const int64_t a_lane = (vectors + group - 1) / group;
  if (a_lane <= 1) {
    StartNorm<T, 1>(args, group, stream);
  } else if (a_lane <= 2) {
    StartNorm<T, 2>(args, group, stream);
  } else if (a_lane <= 3) {
    StartNorm<T, 3>(args, group, stream);
  } else if (a_lane <= 4) {
    StartNorm<T, 4>(args, group, stream);
  } else {
    StartNorm<T, 8>(args, group, stream);
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) AddMapKernel(const AddMapArgs args) {
  constexpr int kN = kLanes<T>;
  const unsigned int vectors = static_cast<unsigned int>(args.channels / kN);
  const unsigned int frame_vectors = static_cast<unsigned int>(args.frame_positions) * vectors;
  const unsigned int vector = GlobalThread();
  const unsigned int frame = vector / frame_vectors;
  if (frame >= args.frames) return;
  const int64_t element = static_cast<int64_t>(vector) * kN;
  const int64_t in_frame = static_cast<int64_t>(vector - frame * frame_vectors) * kN;
  float y[kN], x[kN], bias[kN];
  T* out = static_cast<T*>(args.y);
  Load(out, element, y);
  Load(static_cast<const T*>(args.x), frame * args.x_frame_stride + in_frame, x);
  LoadFloats(args.bias + vector % vectors * kN, bias);
#pragma unroll
  for (int j = 0; j < kN; ++j) y[j] += bias[j] + x[j];
  Store(out, element, y);
}

template <typename T>
void StartAdd(const AddMapArgs& args, cudaStream_t stream) {
  const int64_t vectors = args.frames * args.frame_positions * args.channels / kLanes<T>;
  AddMapKernel<T><<<TokenBlocks(vectors, kThreads), kThreads, 0, stream>>>(args);
}

// What the shortcut adds to channels [channel, channel + N) of one pixel of `out`.
template <typename T>
__device__ void AddShortcut(const PlacePhasesArgs& args, unsigned int frame, int64_t row,
                            int64_t column, int64_t channel, float (&y)[kLanes<T>]) {
  const unsigned int copy = frame + static_cast<unsigned int>(args.dropped);
  const unsigned int factor = static_cast<unsigned int>(args.time_factor);
  const unsigned int repeats = static_cast<unsigned int>(args.repeats);
  const unsigned int offset =
      copy % factor * 4 + static_cast<unsigned int>(row % 2 * 2 + column % 2);
  const T* source =
      static_cast<const T*>(args.source) + copy / factor * args.source_frame_stride +
      ((row / 2 + args.source_first_row) * args.columns + column / 2) * args.source_channels;
#pragma unroll
  for (int j = 0; j < kLanes<T>; ++j) {
    const unsigned int from =
        ((static_cast<unsigned int>(channel) + j) * factor * 4 + offset) / repeats;
    y[j] += static_cast<float>(source[from]);
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) PlacePhasesKernel(const PlacePhasesArgs args) {
  constexpr int kN = kLanes<T>;
  const unsigned int vectors = static_cast<unsigned int>(args.channels / kN);
  const unsigned int width = static_cast<unsigned int>(2 * args.columns);
  const unsigned int out_rows = static_cast<unsigned int>(args.out_rows);
  const unsigned int vector = GlobalThread();
  const unsigned int pixel = vector / vectors;
  const unsigned int line = pixel / width;
  const unsigned int frame = line / out_rows;
  if (frame >= args.frames) return;
  const int64_t channel = vector % vectors * kN;
  const int64_t column = pixel % width;
  const int64_t row = line % out_rows + args.first_row;
  const int64_t phase = row % 2 * 2 + column % 2;
  const int64_t from =
      (frame * args.phase_rows + row / 2 + row % 2) * (args.columns + 1) + column / 2 + column % 2;
  float y[kN], bias[kN];
  Load(static_cast<const T*>(args.phases), (from * 4 + phase) * args.channels + channel, y);
  LoadFloats(args.bias + channel, bias);
#pragma unroll
  for (int j = 0; j < kN; ++j) y[j] += bias[j];
  if (args.source) AddShortcut<T>(args, frame, row, column, channel, y);
  Store(static_cast<T*>(args.out), static_cast<int64_t>(vector) * kN, y);
}

template <typename T>
void StartPlace(const PlacePhasesArgs& args, cudaStream_t stream) {
  const int64_t vectors =
      args.frames * args.out_rows * 2 * args.columns * args.channels / kLanes<T>;
  PlacePhasesKernel<T><<<TokenBlocks(vectors, kThreads), kThreads, 0, stream>>>(args);
}

}  // namespace

void NormSilu(const NormSiluArgs& args, Stream stream) {
  CheckChannels("NormSilu", args.channels / VectorElements(args.type), kNormSiluMaxVectors);
  if (args.type == DType::kFloat32) {
    StartNormForWidth<float>(args, ToCuda(stream));
  } else {
    StartNormForWidth<__nv_bfloat16>(args, ToCuda(stream));
  }
  CheckLaunch("NormSilu");
}

void AddMap(const AddMapArgs& args, Stream stream) {
  if (args.type == DType::kFloat32) {
    StartAdd<float>(args, ToCuda(stream));
  } else {
    StartAdd<__nv_bfloat16>(args, ToCuda(stream));
  }
  CheckLaunch("AddMap");
}

void PlacePhases(const PlacePhasesArgs& args, Stream stream) {
  if (args.type == DType::kFloat32) {
    StartPlace<float>(args, ToCuda(stream));
  } else {
    StartPlace<__nv_bfloat16>(args, ToCuda(stream));
  }
  CheckLaunch("PlacePhases");
}

}  // namespace t3::kernels
