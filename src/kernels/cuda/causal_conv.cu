// Implicit GEMM on Hopper's tensor cores: a block of threads makes tiles of 16 rows of a frame, one
// after the other.
//
// One warpgroup copies, two multiply, 8 rows of the tile each. A tile of x with its border, 48
// channels of one of three frames, serves nine shifts: it lies in shared memory as planes of 8
// channels, 16 bytes a pixel, so that eight neighbours in a row are one core matrix of the product
// wherever the run starts, and a shift is but another address. (Swizzled layouts, as TMA writes
// them, would pin runs to multiples of eight and x would be loaded nine times.) Weights come packed
// in the order of use, one shift of 48 channels a stage.
#include <algorithm>

#include "kernels/cuda/causal_conv_finish.cuh"
#include "kernels/cuda/causal_conv_tile.cuh"
#include "kernels/cuda/launch.h"

namespace t3::kernels {
namespace {

constexpr int kThreads = 3 * kWarpgroup;
constexpr int kMultiplyingWarps = 2 * kWarpgroup / kWarp;

// 48 channels of a tile of one frame and its border. Each thread has one of the planes and every
// 16th pixel. Offsets within a frame are below 2^31.
template <typename T>
__device__ void CopyTile(uint32_t map, const CausalConvShape& shape, const TilePlace& place,
                         const __nv_bfloat16* frame) {
  constexpr int kStep = kCopyingThreads / kPlanes;
  static_assert(kStep <= T::kReadColumns);
  const int plane = threadIdx.x % kPlanes;
  int pixel = threadIdx.x / kPlanes, row = place.row, column = place.column + pixel - 1;
  const int end = place.column + T::kReadColumns - 1;
  const __nv_bfloat16* const from = frame + 8 * plane;
  uint32_t to = map + plane * T::kPlaneBytes + pixel * kVector;
#pragma unroll 2
  for (; pixel < T::kPixels; pixel += kStep) {
    const bool there = row < shape.rows + 2 && column >= 0 && column < shape.columns;
    CopyVector(to, from + (there ? (row * shape.columns + column) * shape.in : 0), there);
    to += kStep * kVector;
    column += kStep;
    if (column >= end) {
      column -= T::kReadColumns;
      ++row;
    }
  }
}

template <typename T>
__device__ void CopyMaps(const SharedStages<T>& stages, const CausalConvShape& shape,
                         const __nv_bfloat16* kept, const __nv_bfloat16* x) {
  const int64_t frame_size = static_cast<int64_t>(shape.rows + 2) * shape.columns * shape.in;
  Ring<kMapStages> ring;
  for (int tile = blockIdx.x; tile < shape.tiles; tile += gridDim.x) {
    const TilePlace place = PlaceOf<T>(shape, tile);
    for (int time = 0; time < 3; ++time) {
      const int index = place.frame + time - 2;
      const __nv_bfloat16* frame =
          (index < 0 ? kept + (index + 2) * frame_size : x + index * frame_size);
      for (int channel = 0; channel < shape.in; channel += kGroup) {
        Wait(stages.MapFree(ring.stage), ring.parity ^ 1);
        CopyTile<T>(stages.Map(ring.stage), shape, place, frame + channel);
        FinishVectors();
        Arrive(stages.MapFull(ring.stage));
        ring.Advance();
      }
    }
  }
}

// Weights in the order of use; behind those of a tile the rows of its residual, one a stage.
template <typename T, Finish FINISH>
__device__ void CopyWeights(const SharedStages<T>& stages, const CausalConvShape& shape,
                            const unsigned char* weight, const CausalConvFinish& finish) {
  const int pieces = 3 * (shape.in / kGroup) * kTaps;
  Ring<T::kWeightStages> ring;
  const auto copy = [&](const void* from, int bytes) {
    Wait(stages.WeightFree(ring.stage), ring.parity ^ 1);
    ArriveExpecting(stages.WeightFull(ring.stage), bytes);
    if (bytes > 0) CopyBulk(stages.Weight(ring.stage), from, bytes, stages.WeightFull(ring.stage));
    ring.Advance();
  };
  for (int tile = blockIdx.x; tile < shape.tiles; tile += gridDim.x) {
    for (int i = 0; i < pieces; ++i) {
      copy(weight + static_cast<int64_t>(i) * T::kWeightBytes, T::kWeightBytes);
    }
    if constexpr (FINISH == Finish::kAdd) {
      const TilePlace place = PlaceOf<T>(shape, tile);
      const int columns = min(T::kColumns, shape.columns - place.column);
      for (int row = place.row; row < place.row + kTileRows; ++row) {
        const int64_t at = (static_cast<int64_t>(row) * shape.columns + place.column) * T::kOut;
        copy(finish.residual + place.frame * finish.residual_frame_stride + at,
             row < shape.rows ? columns * T::kOut * 2 : 0);
      }
    }
  }
}

// One of the warps that multiply is done with a stage.
__device__ void Free(uint32_t barrier) {
  if (threadIdx.x % kWarp == 0) Arrive(barrier);
}

// The stages that products under way read: free once those products are done.
template <typename T>
struct Held {
  const SharedStages<T>& stages;
  int weight = -1, map = -1;

  __device__ void FreeAll() {
    if (weight >= 0) Free(stages.WeightFree(weight));
    if (map >= 0) Free(stages.MapFree(map));
    weight = map = -1;
  }
};

// Starts the products of one shift: pixels at `a`, weights at `b`.
template <typename T>
__device__ void MultiplyTap(typename T::Sums& sums, uint32_t a, uint32_t b) {
  BeginProducts();
#pragma unroll
  for (int step = 0; step < kGroup / 16; ++step) {
    const uint64_t weights =
        FactorDescriptor(b + 2 * step * T::kOut * kVector, T::kOut * kVector, 8 * kVector);
#pragma unroll
    for (int block = 0; block < T::kBlocks; ++block) {
      const uint64_t pixels = FactorDescriptor(a + 2 * step * T::kPlaneBytes + 8 * block * kVector,
                                               T::kPlaneBytes, T::kRowBytes);
      MultiplyAdd(sums[block], pixels, weights);
    }
  }
  CommitProducts();
}

// This warp's two rows of the tile. Those of a residual are stages of `ring`, one after the other;
// every warp passes every one, so that none can be filled anew behind a slow warp's back.
template <typename T, Finish FINISH>
__device__ void FinishTile(const SharedStages<T>& stages, const CausalConvShape& shape,
                           const TilePlace& place, const CausalConvFinish& finish,
                           const typename T::Sums& sums, Ring<T::kWeightStages>& ring) {
  const int mine = 2 * (threadIdx.x / kWarp - kWarpgroup / kWarp);
  const TilePlace first{place.frame, place.row + mine, place.column};
  const TilePlace second{place.frame, first.row + 1, place.column};
  const uint32_t tables = stages.Tables();
  if constexpr (FINISH == Finish::kAdd) {
    const auto row = [&](auto use) {
      Wait(stages.WeightFull(ring.stage), ring.parity);
      use(stages.Weight(ring.stage));
      __syncwarp();
      Free(stages.WeightFree(ring.stage));
      ring.Advance();
    };
    const auto pass = [&](int rows) {
#pragma unroll 1
      for (int i = 0; i < rows; ++i) row([](uint32_t) {});
    };
    pass(mine);
    row([&](uint32_t residual) {
      FinishRow<T, FINISH, 0>(sums, shape, first, finish, tables, residual);
    });
    row([&](uint32_t residual) {
      FinishRow<T, FINISH, 1>(sums, shape, second, finish, tables, residual);
    });
    pass(kTileRows - mine - 2);
  } else {
    FinishRow<T, FINISH, 0>(sums, shape, first, finish, tables, 0);
    FinishRow<T, FINISH, 1>(sums, shape, second, finish, tables, 0);
  }
}

template <typename T, Finish FINISH>
__device__ void Multiply(const SharedStages<T>& stages, const CausalConvShape& shape,
                         const CausalConvFinish& finish) {
  const int first_row = 8 * (threadIdx.x / kWarpgroup - 1);
  const int maps = 3 * (shape.in / kGroup);
  Ring<kMapStages> map;
  Ring<T::kWeightStages> weight;
  Held<T> held{stages};
  for (int tile = blockIdx.x; tile < shape.tiles; tile += gridDim.x) {
    typename T::Sums sums = {};
    for (int i = 0; i < maps; ++i) {
      Wait(stages.MapFull(map.stage), map.parity);
      for (int tap = 0; tap < kTaps; ++tap) {
        Wait(stages.WeightFull(weight.stage), weight.parity);
        MultiplyTap<T>(
            sums, stages.Map(map.stage) + (first_row + tap / 3) * T::kRowBytes + tap % 3 * kVector,
            stages.Weight(weight.stage));
        WaitForProducts<1>();  // the shift before this one
        held.FreeAll();
        held.weight = weight.stage;
        if (tap + 1 == kTaps) held.map = map.stage;
        weight.Advance();
      }
      map.Advance();
    }
    WaitForProducts<0>();
    held.FreeAll();
    FinishTile<T, FINISH>(stages, shape, PlaceOf<T>(shape, tile), finish, sums, weight);
  }
}

template <typename T, Finish FINISH>
__global__ void __launch_bounds__(kThreads, 1)
    CausalConvKernel(CausalConvShape shape, const __nv_bfloat16* kept, const __nv_bfloat16* x,
                     const unsigned char* weight, CausalConvFinish finish) {
  extern __shared__ __align__(128) unsigned char memory[];
  const SharedStages<T> stages{SharedAddress(memory)};
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < kMapStages; ++stage) {
      InitBarrier(stages.MapFull(stage), kCopyingThreads);
      InitBarrier(stages.MapFree(stage), kMultiplyingWarps);
    }
    for (int stage = 0; stage < T::kWeightStages; ++stage) {
      InitBarrier(stages.WeightFull(stage), 1);
      InitBarrier(stages.WeightFree(stage), kMultiplyingWarps);
    }
    ShowBarriers();
  }
  if constexpr (FINISH != Finish::kPlain) {
    if (threadIdx.x < T::kOut) {
      const uint32_t address = stages.Tables() + 4 * threadIdx.x;
      StoreShared(address, finish.bias[threadIdx.x]);
      if (finish.gamma) StoreShared(address + 4 * T::kOut, finish.gamma[threadIdx.x]);
    }
  }
  __syncthreads();
  // Registers: 128 x 40 + 256 x 232 of 65,536.
  if (threadIdx.x < kWarpgroup) {
    LowerRegisters<40>();
    if (threadIdx.x < kCopyingThreads) {
      CopyMaps<T>(stages, shape, kept, x);
    } else if (threadIdx.x == kCopyingThreads) {
      CopyWeights<T, FINISH>(stages, shape, weight, finish);
    }
  } else {
    RaiseRegisters<232>();
    Multiply<T, FINISH>(stages, shape, finish);
  }
}

int Quotient(int64_t a, int64_t b) { return static_cast<int>((a + b - 1) / b); }

template <typename T, Finish FINISH>
void Launch(const CausalConvArgs& args, cudaStream_t stream) {
  const CausalConvShape shape{
      .frames = static_cast<int>(args.frames),
      .rows = static_cast<int>(args.rows),
      .columns = static_cast<int>(args.columns),
      .in = static_cast<int>(args.in),
      .tile_columns = Quotient(args.columns, T::kColumns),
      .tiles = static_cast<int>(CausalConvTiles(args.frames, args.rows, args.columns, args.out))};
  const CausalConvFinish finish{.y = static_cast<__nv_bfloat16*>(args.y),
                                .y_frame_stride = args.y_frame_stride,
                                .bias = args.bias,
                                .gamma = args.gamma,
                                .residual = static_cast<const __nv_bfloat16*>(args.residual),
                                .residual_frame_stride = args.residual_frame_stride};
  const auto kernel = CausalConvKernel<T, FINISH>;
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, T::kSharedBytes);
  kernel<<<std::min(Multiprocessors(), shape.tiles), kThreads, T::kSharedBytes, stream>>>(
      shape, static_cast<const __nv_bfloat16*>(args.kept),
      static_cast<const __nv_bfloat16*>(args.x), static_cast<const unsigned char*>(args.weight),
      finish);
  CheckLaunch("causal convolution");
}

template <typename T>
void LaunchTile(const CausalConvArgs& args, cudaStream_t stream) {
  if (args.gamma) {
    Launch<T, Finish::kNormSilu>(args, stream);
  } else if (args.residual) {
    Launch<T, Finish::kAdd>(args, stream);
  } else {
    Launch<T, Finish::kPlain>(args, stream);
  }
}

template <typename T>
int64_t TilesOf(int64_t frames, int64_t rows, int64_t columns) {
  return frames * Quotient(rows, kTileRows) * Quotient(columns, T::kColumns);
}

}  // namespace

int64_t CausalConvTiles(int64_t frames, int64_t rows, int64_t columns, int64_t out) {
  return out == Tile192::kOut ? TilesOf<Tile192>(frames, rows, columns)
                              : TilesOf<Tile96>(frames, rows, columns);
}

void CausalConv(const CausalConvArgs& args, Stream stream) {
  if (args.out == Tile8::kOut) {
    Launch<Tile8, Finish::kPlain>(args, ToCuda(stream));
  } else if (args.out == Tile96::kOut) {
    LaunchTile<Tile96>(args, ToCuda(stream));
  } else {
    LaunchTile<Tile192>(args, ToCuda(stream));
  }
}

}  // namespace t3::kernels
