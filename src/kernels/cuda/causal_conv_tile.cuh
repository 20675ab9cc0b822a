// Sizes of a tile of the causal convolution, and where its pieces lie in shared memory.
#pragma once

#include "kernels/causal_conv.h"
#include "kernels/cuda/hopper.cuh"
#include "kernels/cuda/vector.cuh"

namespace t3::kernels {

constexpr int kTaps = 9;  // shifts of a frame
constexpr int kGroup = static_cast<int>(kCausalConvGroup);
constexpr int kPlanes = kGroup / 8;
constexpr int kVector = 16;  // bytes: 8 channels of a pixel
constexpr int kTileRows = 16;
constexpr int kMapStages = 2;
constexpr int kCopyingThreads = 96;  // of x; the warp after them copies weights and residual

// A multiplying warpgroup takes BLOCKS of 8 x 8 pixels, side by side, as many as its registers hold
// sums of OUT channels for.
template <int OUT, int BLOCKS, int WEIGHT_STAGES>
struct Tile {
  static constexpr int kOut = OUT, kBlocks = BLOCKS, kWeightStages = WEIGHT_STAGES;
  static constexpr int kColumns = 8 * BLOCKS;
  static constexpr int kReadColumns = kColumns + 2;
  static constexpr int kPixels = (kTileRows + 2) * kReadColumns;
  static constexpr int kRowBytes = kReadColumns * kVector;
  // An odd number of vectors, so that the planes of one pixel are in different banks.
  static constexpr int kPlaneBytes = (kPixels | 1) * kVector;
  static constexpr int kMapBytes = kPlanes * kPlaneBytes;
  static constexpr int kWeightBytes = kGroup * OUT * 2;
  static constexpr int kResidualBytes = kColumns * OUT * 2;  // a row's, in a stage of weights
  static_assert(kResidualBytes <= kWeightBytes || OUT == 8);
  // A stage has two barriers; then two tables.
  static constexpr int kSharedBytes =
      kMapStages * (kMapBytes + 16) + WEIGHT_STAGES * (kWeightBytes + 16) + 2 * 4 * OUT;
  using Sums = float[BLOCKS][OUT / 2];  // of a thread
};
using Tile8 = Tile<8, 4, 27>;
using Tile96 = Tile<96, 4, 11>;
using Tile192 = Tile<192, 2, 8>;

// Addresses of the stages of both rings, and of the barriers that say a stage is full or free.
template <typename T>
struct SharedStages {
  uint32_t base;

  __device__ uint32_t Map(int stage) const { return base + stage * T::kMapBytes; }
  __device__ uint32_t Weight(int stage) const { return Map(kMapStages) + stage * T::kWeightBytes; }
  __device__ uint32_t MapFull(int stage) const { return Weight(T::kWeightStages) + 16 * stage; }
  __device__ uint32_t MapFree(int stage) const { return MapFull(stage) + 8; }
  __device__ uint32_t WeightFull(int stage) const { return MapFull(kMapStages) + 16 * stage; }
  __device__ uint32_t WeightFree(int stage) const { return WeightFull(stage) + 8; }
  // Bias and gamma, kOut floats each.
  __device__ uint32_t Tables() const { return WeightFull(T::kWeightStages); }
};

// The next stage of a ring, and the parity of its phase.
template <int STAGES>
struct Ring {
  int stage = 0;
  uint32_t parity = 0;

  __device__ void Advance() {
    if (++stage < STAGES) return;
    stage = 0;
    parity ^= 1;
  }
};

struct CausalConvShape {
  int frames, rows, columns, in;
  int tile_columns, tiles;  // tiles along columns, and in all
};

struct TilePlace {
  int frame, row, column;
};

// Neighbouring tiles are of neighbouring frames, which read the same x from the L2 cache.
template <typename T>
__device__ TilePlace PlaceOf(const CausalConvShape& shape, int tile) {
  const int spot = tile / shape.frames;
  return {tile % shape.frames, spot / shape.tile_columns * kTileRows,
          spot % shape.tile_columns * T::kColumns};
}

}  // namespace t3::kernels
