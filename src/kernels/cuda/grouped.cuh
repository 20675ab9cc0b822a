// Kernels in which a group of neighbouring lanes takes a row of channels, and each thread sums its
// channels' share of a vector's gradient over the rows that it sees.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "kernels/cuda/vector.cuh"

namespace t3::kernels {

constexpr int kGroupedThreads = 256;                // of a block
constexpr int64_t kGroupedMostVectors = 4 * kWarp;  // 16-byte vectors of a row: 4 for each lane

// Sums share[i][j], the thread's part of channel (lane + i * group) * N + j, over the block and
// writes the channels' sums. `shared` holds kGroupedThreads / group * channels floats; all threads
// take part, and may call it again.
template <int NV, int N>
__device__ inline void WriteShares(const float (&share)[NV][N], float* shared, float* out,
                                   int channels, int group) {
  const int lane = threadIdx.x % group, slot = threadIdx.x / group;
  const int slots = kGroupedThreads / group;
  __syncthreads();
#pragma unroll
  for (int i = 0; i < NV; ++i) {
    const int c = (lane + i * group) * N;
    if (c >= channels) continue;
#pragma unroll
    for (int j = 0; j < N; ++j) shared[slot * channels + c + j] = share[i][j];
  }
  __syncthreads();
  for (int c = threadIdx.x; c < channels; c += kGroupedThreads) {
    float sum = 0;
    for (int s = 0; s < slots; ++s) sum += shared[s * channels + c];
    out[c] = sum;
  }
}

struct GroupedLaunch {
  int group;      // lanes of a row
  size_t shared;  // bytes for WriteShares: at most 32 KB, as a row has at most 4 vectors a lane
};

// Calls start(GroupedLaunch, NV) with as few lanes a row as hold it in at most 4 vectors each; NV
// is a std::integral_constant of 1 to 4.
template <typename T, typename F>
void ForGroups(int64_t channels, F start) {
  const int64_t vectors = channels / kLanes<T>;
  const int group = LanesForVectors(vectors);
  const GroupedLaunch launch{
      group, static_cast<size_t>(kGroupedThreads / group * channels) * sizeof(float)};
  switch ((vectors + group - 1) / group) {
    case 1:
      return start(launch, std::integral_constant<int, 1>());
    case 2:
      return start(launch, std::integral_constant<int, 2>());
    case 3:
      return start(launch, std::integral_constant<int, 3>());
    default:
      return start(launch, std::integral_constant<int, 4>());
  }
}

}  // namespace t3::kernels
