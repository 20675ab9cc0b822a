// Tile sizes of the causal convolution, its shared-memory layout and pipeline state.
#pragma once

#include "kernels/cuda/hopper.cuh"
#include "kernels/cuda/vector.cuh"

namespace t3::kernels {

constexpr int kTaps = 9;    // of a frame, 3 x 3
constexpr int kGroup = 48;  // input channels per stage
constexpr int kPlanes = kGroup / 8;
constexpr int kVector = 16;  // bytes: 8 channels of a pixel
constexpr int kTileRows = 16;
constexpr int kMapStages = 2;
constexpr int kMapProducers = 96;  // threads that load x; the next warp loads weights and residual

// A consumer warpgroup computes BLOCKS blocks of 8 x 8 pixels, side by side: as many as its
// registers hold accumulators of OUT channels for.
template <int OUT, int BLOCKS, int WEIGHT_STAGES>
struct Tile {
  static constexpr int kOut = OUT, kBlocks = BLOCKS, kWeightStages = WEIGHT_STAGES;
  static constexpr int kColumns = 8 * BLOCKS;
  static constexpr int kInputColumns = kColumns + 2;
  static constexpr int kPixels = (kTileRows + 2) * kInputColumns;
  static constexpr int kRowBytes = kInputColumns * kVector;
  // An odd number of vectors: the planes of one pixel fall into different banks.
  static constexpr int kPlaneBytes = (kPixels | 1) * kVector;
  static constexpr int kMapBytes = kPlanes * kPlaneBytes;
  static constexpr int kWeightBytes = kGroup * OUT * 2;
  static constexpr int kResidualBytes = kColumns * OUT * 2;  // of a row, in a weight stage
  static_assert(kResidualBytes <= kWeightBytes || OUT == 8);
  // Each stage has two barriers; bias and gamma follow.
  static constexpr int kSharedBytes =
      kMapStages * (kMapBytes + 16) + WEIGHT_STAGES * (kWeightBytes + 16) + 2 * 4 * OUT;
  using Accumulators = float[BLOCKS][OUT / 2];  // of a thread
};
using Tile8 = Tile<8, 4, 27>;
using Tile96 = Tile<96, 4, 11>;
using Tile192 = Tile<192, 2, 8>;

// Shared addresses of the stages of both pipelines and of their barriers: `full` is completed by
// the producer, `empty` by the consumers.
template <typename T>
struct SharedStorage {
  uint32_t base;

  __device__ uint32_t Map(int stage) const { return base + stage * T::kMapBytes; }
  __device__ uint32_t Weight(int stage) const { return Map(kMapStages) + stage * T::kWeightBytes; }
  __device__ uint32_t MapFull(int stage) const { return Weight(T::kWeightStages) + 16 * stage; }
  __device__ uint32_t MapEmpty(int stage) const { return MapFull(stage) + 8; }
  __device__ uint32_t WeightFull(int stage) const { return MapFull(kMapStages) + 16 * stage; }
  __device__ uint32_t WeightEmpty(int stage) const { return WeightFull(stage) + 8; }
  // Bias and gamma, kOut floats each.
  __device__ uint32_t Tables() const { return WeightFull(T::kWeightStages); }
};

// The current stage of a circular buffer, and the parity of its phase.
template <int STAGES>
struct PipelineState {
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
  int tile_columns, tiles;  // tiles per row of tiles, and in total
};

struct TileOrigin {
  int frame, row, column;
};

// Consecutive tiles are in consecutive frames, which share their reads of x in the L2 cache.
template <typename T>
__device__ TileOrigin OriginOf(const CausalConvShape& shape, int tile) {
  const int position = tile / shape.frames;
  return {tile % shape.frames, position / shape.tile_columns * kTileRows,
          position % shape.tile_columns * T::kColumns};
}

}  // namespace t3::kernels
