// The frame of gradient kernels: a group of neighbouring lanes takes a row of channels, and each
// thread sums its channels' share of a vector's gradient over the rows that it sees.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "kernels/cuda/vector.cuh"

namespace t3::kernels {

constexpr int kRowGradientThreads = 256;  // of a block

// This thread's place: lane `lane` of the `group` lanes that take row `slot` of the `slots` rows
// that a block processes at a time. It has up to NV vectors of N channels: lane, lane + group, ...
template <int NV, int N>
struct RowGroup {
  using Values = float[NV][N];
  int channels, group, lane, slot, slots;

  __device__ RowGroup(int64_t channels_of_row, int lanes_per_row)
      : channels(static_cast<int>(channels_of_row)),
        group(lanes_per_row),
        lane(threadIdx.x % lanes_per_row),
        slot(threadIdx.x / lanes_per_row),
        slots(kRowGradientThreads / lanes_per_row) {}

  // Calls f(i, first channel) for each of this thread's vectors that the row has.
  template <typename F>
  __device__ void ForEachVector(F f) const {
#pragma unroll
    for (int i = 0; i < NV; ++i) {
      const int channel = (lane + i * group) * N;
      if (channel < channels) f(i, channel);
    }
  }

  // This thread's vectors of a row; zeros where the row has none or `inside` is false.
  template <typename T>
  __device__ void Load(const T* row, bool inside, Values& out) const {
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < N; ++j) out[i][j] = 0;
    }
    if (!inside) return;
    ForEachVector([&](int i, int channel) {
      if constexpr (std::is_same_v<T, float>) {
        LoadFloats(row + channel, out[i]);
      } else {
        kernels::Load(row, channel, out[i]);
      }
    });
  }

  template <typename T>
  __device__ void Store(T* row, const Values& values) const {
    ForEachVector([&](int i, int channel) { kernels::Store(row, channel, values[i]); });
  }

  // Over the row, for all its lanes.
  __device__ float Sum(const Values& values) const {
    float sum = 0;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < N; ++j) sum += values[i][j];
    }
    return GroupedSum(sum, group);
  }
  __device__ float SumOfSquares(const Values& values) const {
    float sum = 0;
#pragma unroll
    for (int i = 0; i < NV; ++i) {
#pragma unroll
      for (int j = 0; j < N; ++j) sum += values[i][j] * values[i][j];
    }
    return GroupedSum(sum, group);
  }

  // Calls f(row, whether it exists) for this thread's rows of [0, rows). All lanes of a warp make
  // the same number of calls, because they meet in GroupedSum.
  template <typename F>
  __device__ void ForEachRow(int64_t rows, F f) const {
    const int64_t step = static_cast<int64_t>(gridDim.x) * slots;
    for (int64_t first = static_cast<int64_t>(blockIdx.x) * slots; first < rows; first += step) {
      f(first + slot, first + slot < rows);
    }
  }

  // Sums the threads' partial sums over the block; writes one for each channel. `shared` holds
  // slots * channels floats. All threads take part, and may call it again.
  __device__ void WriteBlockSums(const Values& sums, float* shared, float* out) const {
    __syncthreads();
    ForEachVector([&](int i, int channel) {
#pragma unroll
      for (int j = 0; j < N; ++j) shared[slot * channels + channel + j] = sums[i][j];
    });
    __syncthreads();
    for (int c = threadIdx.x; c < channels; c += kRowGradientThreads) {
      float sum = 0;
      for (int s = 0; s < slots; ++s) sum += shared[s * channels + c];
      out[c] = sum;
    }
  }
};

struct RowGradientLaunch {
  int group;      // lanes per row
  size_t shared;  // bytes for WriteBlockSums: at most 32 KB, as a lane has at most 4 vectors
};

// Calls launch(RowGradientLaunch, NV) with as few lanes per row as hold it in at most 4 vectors
// each; NV is a std::integral_constant of 1 to 4.
template <typename T, typename F>
void DispatchRowGroups(int64_t channels, F launch) {
  const int64_t vectors = channels / kLanes<T>;
  const int group = LanesForVectors(vectors);
  const RowGradientLaunch config{
      group, static_cast<size_t>(kRowGradientThreads / group * channels) * sizeof(float)};
  switch ((vectors + group - 1) / group) {
    case 1:
      return launch(config, std::integral_constant<int, 1>());
    case 2:
      return launch(config, std::integral_constant<int, 2>());
    case 3:
      return launch(config, std::integral_constant<int, 3>());
    default:
      return launch(config, std::integral_constant<int, 4>());
  }
}

}  // namespace t3::kernels
