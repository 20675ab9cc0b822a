// Implicit GEMM on Hopper's tensor cores: persistent, warp-specialised thread blocks that loop over
// tiles of 16 rows of a frame.
//
// One warpgroup produces, two consume, 8 rows of the tile each. An input tile with its halo, 48
// channels of one of three frames, serves all nine taps: it lies in shared memory as planes of 8
// channels, 16 bytes per pixel, so that any eight neighbours in a row form one core matrix and a
// tap is just another address. (Swizzled layouts, as TMA writes them, would pin these runs to
// multiples of eight, and x would be loaded nine times.) Weights come packed in the order of use,
// one tap of 48 channels per stage.
#include <algorithm>

#include "kernels/causal_conv.h"
#include "kernels/cuda/causal_conv_epilogue.cuh"
#include "kernels/cuda/causal_conv_tile.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/device.h"

namespace t3::kernels {
namespace {

static_assert(kGroup == kCausalConvGroup);

constexpr int kThreads = 3 * kWarpgroup;
constexpr int kConsumerWarps = 2 * kWarpgroup / kWarp;

// Loads 48 channels of a tile of one frame with its halo. Each thread has one plane and every 16th
// pixel. Offsets within a frame are below 2^31.
template <typename T>
__device__ void LoadTile(uint32_t map, const CausalConvShape& shape, const TileOrigin& origin,
                         const __nv_bfloat16* frame) {
  constexpr int kStep = kMapProducers / kPlanes;
  static_assert(kStep <= T::kInputColumns);
  const int plane = threadIdx.x % kPlanes;
  int pixel = threadIdx.x / kPlanes, row = origin.row, column = origin.column + pixel - 1;
  const int end = origin.column + T::kInputColumns - 1;
  const __nv_bfloat16* const from = frame + 8 * plane;
  uint32_t to = map + plane * T::kPlaneBytes + pixel * kVector;
#pragma unroll 2
  for (; pixel < T::kPixels; pixel += kStep) {
    const bool in_frame = row < shape.rows + 2 && column >= 0 && column < shape.columns;
    CpAsync16(to, from + (in_frame ? (row * shape.columns + column) * shape.in : 0), in_frame);
    to += kStep * kVector;
    column += kStep;
    if (column >= end) {
      column -= T::kInputColumns;
      ++row;
    }
  }
}

template <typename T>
__device__ void ProduceMaps(const SharedStorage<T>& stages, const CausalConvShape& shape,
                            const __nv_bfloat16* cache, const __nv_bfloat16* x) {
  const int64_t frame_size = static_cast<int64_t>(shape.rows + 2) * shape.columns * shape.in;
  PipelineState<kMapStages> state;
  for (int tile = blockIdx.x; tile < shape.tiles; tile += gridDim.x) {
    const TileOrigin origin = OriginOf<T>(shape, tile);
    for (int time = 0; time < 3; ++time) {
      const int index = origin.frame + time - 2;
      const __nv_bfloat16* frame =
          (index < 0 ? cache + (index + 2) * frame_size : x + index * frame_size);
      for (int channel = 0; channel < shape.in; channel += kGroup) {
        Wait(stages.MapEmpty(state.stage), state.parity ^ 1);
        LoadTile<T>(stages.Map(state.stage), shape, origin, frame + channel);
        CpAsyncWaitAndFence();
        Arrive(stages.MapFull(state.stage));
        state.Advance();
      }
    }
  }
}

// Loads weights in the order of use; after those of a tile, the rows of its residual, one per
// stage.
template <typename T, Epilogue EPILOGUE>
__device__ void ProduceWeights(const SharedStorage<T>& stages, const CausalConvShape& shape,
                               const unsigned char* weight, const EpilogueArgs& epilogue) {
  const int taps = 3 * (shape.in / kGroup) * kTaps;
  PipelineState<T::kWeightStages> state;
  const auto copy = [&](const void* from, int bytes) {
    Wait(stages.WeightEmpty(state.stage), state.parity ^ 1);
    ArriveExpectTx(stages.WeightFull(state.stage), bytes);
    if (bytes > 0)
      BulkCopy(stages.Weight(state.stage), from, bytes, stages.WeightFull(state.stage));
    state.Advance();
  };
  for (int tile = blockIdx.x; tile < shape.tiles; tile += gridDim.x) {
    for (int i = 0; i < taps; ++i) {
      copy(weight + static_cast<int64_t>(i) * T::kWeightBytes, T::kWeightBytes);
    }
    if constexpr (EPILOGUE == Epilogue::kAdd) {
      const TileOrigin origin = OriginOf<T>(shape, tile);
      const int columns = min(T::kColumns, shape.columns - origin.column);
      for (int row = origin.row; row < origin.row + kTileRows; ++row) {
        const int64_t at = (static_cast<int64_t>(row) * shape.columns + origin.column) * T::kOut;
        copy(epilogue.residual + origin.frame * epilogue.residual_frame_stride + at,
             row < shape.rows ? columns * T::kOut * 2 : 0);
      }
    }
  }
}

// A consumer warp releases a stage.
__device__ void Release(uint32_t barrier) {
  if (threadIdx.x % kWarp == 0) Arrive(barrier);
}

// The stages that wgmmas in flight read, to be released once those are done.
template <typename T>
struct StagesInUse {
  const SharedStorage<T>& stages;
  int weight = -1, map = -1;

  __device__ void ReleaseAll() {
    if (weight >= 0) Release(stages.WeightEmpty(weight));
    if (map >= 0) Release(stages.MapEmpty(map));
    weight = map = -1;
  }
};

// Issues the wgmmas of one tap: pixels at `a`, weights at `b`.
template <typename T>
__device__ void IssueTap(typename T::Accumulators& sums, uint32_t a, uint32_t b) {
  WgmmaFence();
#pragma unroll
  for (int step = 0; step < kGroup / 16; ++step) {
    const uint64_t weights =
        SmemDescriptor(b + 2 * step * T::kOut * kVector, T::kOut * kVector, 8 * kVector);
#pragma unroll
    for (int block = 0; block < T::kBlocks; ++block) {
      const uint64_t pixels = SmemDescriptor(a + 2 * step * T::kPlaneBytes + 8 * block * kVector,
                                             T::kPlaneBytes, T::kRowBytes);
      Wgmma(sums[block], pixels, weights);
    }
  }
  WgmmaCommit();
}

// Stores this warp's two rows of the tile. The residual's rows arrive in consecutive weight stages;
// every warp waits for and releases all of them, so that no stage is refilled before a slow warp
// has read it.
template <typename T, Epilogue EPILOGUE>
__device__ void StoreTile(const SharedStorage<T>& stages, const CausalConvShape& shape,
                          const TileOrigin& origin, const EpilogueArgs& epilogue,
                          const typename T::Accumulators& sums,
                          PipelineState<T::kWeightStages>& state) {
  const int mine = 2 * (threadIdx.x / kWarp - kWarpgroup / kWarp);
  const TileOrigin first{origin.frame, origin.row + mine, origin.column};
  const TileOrigin second{origin.frame, first.row + 1, origin.column};
  const uint32_t tables = stages.Tables();
  if constexpr (EPILOGUE == Epilogue::kAdd) {
    const auto row = [&](auto use) {
      Wait(stages.WeightFull(state.stage), state.parity);
      use(stages.Weight(state.stage));
      __syncwarp();
      Release(stages.WeightEmpty(state.stage));
      state.Advance();
    };
    const auto pass = [&](int rows) {
#pragma unroll 1
      for (int i = 0; i < rows; ++i) row([](uint32_t) {});
    };
    pass(mine);
    row([&](uint32_t residual) {
      StoreRow<T, EPILOGUE, 0>(sums, shape, first, epilogue, tables, residual);
    });
    row([&](uint32_t residual) {
      StoreRow<T, EPILOGUE, 1>(sums, shape, second, epilogue, tables, residual);
    });
    pass(kTileRows - mine - 2);
  } else {
    StoreRow<T, EPILOGUE, 0>(sums, shape, first, epilogue, tables, 0);
    StoreRow<T, EPILOGUE, 1>(sums, shape, second, epilogue, tables, 0);
  }
}

// The mainloop of a consumer warpgroup.
template <typename T, Epilogue EPILOGUE>
__device__ void Consume(const SharedStorage<T>& stages, const CausalConvShape& shape,
                        const EpilogueArgs& epilogue) {
  const int first_row = 8 * (threadIdx.x / kWarpgroup - 1);
  const int maps = 3 * (shape.in / kGroup);
  PipelineState<kMapStages> map;
  PipelineState<T::kWeightStages> weight;
  StagesInUse<T> in_use{stages};
  for (int tile = blockIdx.x; tile < shape.tiles; tile += gridDim.x) {
    typename T::Accumulators sums = {};
    for (int i = 0; i < maps; ++i) {
      Wait(stages.MapFull(map.stage), map.parity);
      for (int tap = 0; tap < kTaps; ++tap) {
        Wait(stages.WeightFull(weight.stage), weight.parity);
        IssueTap<T>(
            sums, stages.Map(map.stage) + (first_row + tap / 3) * T::kRowBytes + tap % 3 * kVector,
            stages.Weight(weight.stage));
        WgmmaWait<1>();  // the previous tap
        in_use.ReleaseAll();
        in_use.weight = weight.stage;
        if (tap + 1 == kTaps) in_use.map = map.stage;
        weight.Advance();
      }
      map.Advance();
    }
    WgmmaWait<0>();
#pragma unroll
    for (auto& block : sums) HoldAccumulators(block);
    in_use.ReleaseAll();
    StoreTile<T, EPILOGUE>(stages, shape, OriginOf<T>(shape, tile), epilogue, sums, weight);
  }
}

template <typename T, Epilogue EPILOGUE>
__global__ void __launch_bounds__(kThreads, 1)
    CausalConvKernel(CausalConvShape shape, const __nv_bfloat16* cache, const __nv_bfloat16* x,
                     const unsigned char* weight, EpilogueArgs epilogue) {
  extern __shared__ __align__(128) unsigned char memory[];
  const SharedStorage<T> stages{SharedAddress(memory)};
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < kMapStages; ++stage) {
      InitBarrier(stages.MapFull(stage), kMapProducers);
      InitBarrier(stages.MapEmpty(stage), kConsumerWarps);
    }
    for (int stage = 0; stage < T::kWeightStages; ++stage) {
      InitBarrier(stages.WeightFull(stage), 1);
      InitBarrier(stages.WeightEmpty(stage), kConsumerWarps);
    }
    FenceBarrierInit();
  }
  if constexpr (EPILOGUE != Epilogue::kNone) {
    if (threadIdx.x < T::kOut) {
      const uint32_t address = stages.Tables() + 4 * threadIdx.x;
      StoreShared(address, epilogue.bias[threadIdx.x]);
      if (epilogue.gamma) StoreShared(address + 4 * T::kOut, epilogue.gamma[threadIdx.x]);
    }
  }
  __syncthreads();
  // Registers: 128 x 40 + 256 x 232 of 65,536.
  if (threadIdx.x < kWarpgroup) {
    SetMaxRegsDec<40>();
    if (threadIdx.x < kMapProducers) {
      ProduceMaps<T>(stages, shape, cache, x);
    } else if (threadIdx.x == kMapProducers) {
      ProduceWeights<T, EPILOGUE>(stages, shape, weight, epilogue);
    }
  } else {
    SetMaxRegsInc<232>();
    Consume<T, EPILOGUE>(stages, shape, epilogue);
  }
}

int CeilDiv(int64_t a, int64_t b) { return static_cast<int>((a + b - 1) / b); }

template <typename T, Epilogue EPILOGUE>
void Launch(const CausalConvArgs& args, cudaStream_t stream) {
  const CausalConvShape shape{
      .frames = static_cast<int>(args.frames),
      .rows = static_cast<int>(args.rows),
      .columns = static_cast<int>(args.columns),
      .in = static_cast<int>(args.in),
      .tile_columns = CeilDiv(args.columns, T::kColumns),
      .tiles = static_cast<int>(CausalConvTiles(args.frames, args.rows, args.columns, args.out))};
  const EpilogueArgs epilogue{.y = static_cast<__nv_bfloat16*>(args.y),
                              .y_frame_stride = args.y_frame_stride,
                              .bias = args.bias,
                              .gamma = args.gamma,
                              .residual = static_cast<const __nv_bfloat16*>(args.residual),
                              .residual_frame_stride = args.residual_frame_stride};
  const auto kernel = CausalConvKernel<T, EPILOGUE>;
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, T::kSharedBytes);
  kernel<<<std::min(Multiprocessors(), shape.tiles), kThreads, T::kSharedBytes, stream>>>(
      shape, static_cast<const __nv_bfloat16*>(args.cache),
      static_cast<const __nv_bfloat16*>(args.x), static_cast<const unsigned char*>(args.weight),
      epilogue);
  CheckLaunch("CausalConv");
}

template <typename T>
void LaunchEpilogue(const CausalConvArgs& args, cudaStream_t stream) {
  if (args.gamma) {
    Launch<T, Epilogue::kNormSilu>(args, stream);
  } else if (args.residual) {
    Launch<T, Epilogue::kAdd>(args, stream);
  } else {
    Launch<T, Epilogue::kNone>(args, stream);
  }
}

template <typename T>
int64_t CountTiles(int64_t frames, int64_t rows, int64_t columns) {
  return frames * CeilDiv(rows, kTileRows) * CeilDiv(columns, T::kColumns);
}

}  // namespace

int64_t CausalConvTiles(int64_t frames, int64_t rows, int64_t columns, int64_t out) {
  return out == Tile192::kOut ? CountTiles<Tile192>(frames, rows, columns)
                              : CountTiles<Tile96>(frames, rows, columns);
}

void LaunchCausalConv(const CausalConvArgs& args, Stream stream) {
  if (args.out == Tile8::kOut) {
    Launch<Tile8, Epilogue::kNone>(args, ToCuda(stream));
  } else if (args.out == Tile96::kOut) {
    LaunchEpilogue<Tile96>(args, ToCuda(stream));
  } else {
    LaunchEpilogue<Tile192>(args, ToCuda(stream));
  }
}

}  // namespace t3::kernels
