// Window attention on Hopper's tensor cores: persistent, warp-specialised thread blocks that loop
// over 128 queries of one head of a window.
//
// One warpgroup produces: it copies rows of tokens, wherever they lie, to tiles in shared memory.
// Two consume, 64 queries each: the scores of one tile of keys are multiplied while the softmax of
// the one before is computed, and the consumers take turns in issuing products, so that one's
// softmax runs beside the other's products. Tensor maps (TMA) would need windows that are boxes;
// copies by index take any order of tokens.
#include <algorithm>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.cuh"
#include "kernels/cuda/window_attention_mma.cuh"
#include "kernels/device.h"
#include "kernels/window_attention.h"

namespace t3::kernels {
namespace {

using Bf16 = __nv_bfloat16;

constexpr int kDim = kWindowAttentionHeadDim;
constexpr int kQueries = 128;          // of a thread block, half of them of a consumer
constexpr int kRowVectors = kDim / 8;  // of 16 bytes
constexpr int kAttentionThreads = 3 * kWarpgroup;
constexpr int kConsumerWarps = 2 * kWarpgroup / kWarp;
constexpr int kQueryStages = 2;
constexpr int kItemStages = 5;

// Tiles of KEYS keys: a ring of tiles of keys and values, and two of queries.
template <int KEYS>
struct AttentionTiles {
  static constexpr int kQueryBytes = kQueries * kDim * 2;
  static constexpr int kItemBytes = KEYS * kDim * 2;
  static_assert(kItemBytes % kSwizzleBytes == 0);
  static constexpr int kBytes = kQueryStages * (kQueryBytes + 16) + kItemStages * (kItemBytes + 16);
  static constexpr int kSharedBytes = kBytes + kSwizzleBytes;  // for alignment

  uint32_t base;
  __device__ uint32_t Queries(int stage) const { return base + stage * kQueryBytes; }
  __device__ uint32_t Item(int stage) const { return Queries(kQueryStages) + stage * kItemBytes; }
  __device__ uint32_t QueriesFull(int stage) const { return Item(kItemStages) + 16 * stage; }
  __device__ uint32_t QueriesEmpty(int stage) const { return QueriesFull(stage) + 8; }
  __device__ uint32_t ItemFull(int stage) const { return QueriesFull(kQueryStages) + 16 * stage; }
  __device__ uint32_t ItemEmpty(int stage) const { return ItemFull(stage) + 8; }
};

// A stage of a ring, and the parity of its phase.
template <int STAGES>
struct RingState {
  int stage = 0;
  uint32_t parity = 0;
  __device__ void Advance() {
    if (++stage < STAGES) return;
    stage = 0;
    parity ^= 1;
  }
};

// 128 queries of a head of a window.
struct QueryTile {
  int64_t window;  // position of its first token
  int head, query;
};

// Tiles of one window are neighbours: they share keys and values in the L2 cache.
__device__ inline QueryTile TileOf(const WindowAttentionArgs& args, int64_t tile) {
  const int per_head = static_cast<int>((args.length + kQueries - 1) / kQueries);
  const int64_t rest = tile / per_head;
  return {args.first + rest / args.heads * args.length, static_cast<int>(rest % args.heads),
          static_cast<int>(tile % per_head) * kQueries};
}

__device__ inline int64_t TokenAt(const WindowAttentionArgs& args, int64_t position) {
  return args.order ? args.order[position] : position;
}

// The producers' copies. 16 lanes take a row, so a warp has rows 2 * warp and the next of every
// eight. A tile is announced when the one after it has been issued.
class Producer {
 public:
  __device__ explicit Producer(const WindowAttentionArgs& args)
      : args_(args), vector_(threadIdx.x % kRowVectors), row_(threadIdx.x / kRowVectors) {}

  // The token of this lane's row of a tile that starts at `row` of the window; -1 beyond its end.
  __device__ int TokenOfLane(int64_t window, int row) const {
    const int lane = threadIdx.x % kWarp;
    row += 8 * (lane / 2) + 2 * (threadIdx.x / kWarp) + lane % 2;
    return row < args_.length ? static_cast<int>(TokenAt(args_, window + row)) : -1;
  }

  // ROWS rows of `from`, zeros for token -1.
  template <int ROWS>
  __device__ void Copy(uint32_t to, const void* from, int64_t stride, int head, int token) const {
    const Bf16* const base = static_cast<const Bf16*>(from) + head * kDim + 8 * vector_;
    const uint32_t panel = vector_ / 8 * (ROWS * kPanelRowBytes);
    const uint32_t at = to + panel + row_ * kPanelRowBytes + ((vector_ % 8) ^ row_) * 16;
#pragma unroll 4
    for (int i = 0; i < ROWS / 8; ++i) {
      const int row_token = __shfl_sync(0xffffffffu, token, 2 * i + row_ % 2);
      CpAsync16(at + i * kSwizzleBytes, base + max(row_token, 0) * stride, row_token >= 0);
    }
  }

  __device__ void Announce(uint32_t barrier) {
    asm volatile("cp.async.commit_group;" ::: "memory");
    if (issued_ != 0) {
      asm volatile("cp.async.wait_group 1;" ::: "memory");
      asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
      Arrive(issued_);
    }
    issued_ = barrier;
  }
  __device__ void Finish() const {
    CpAsyncWaitAndFence();
    Arrive(issued_);
  }

 private:
  const WindowAttentionArgs& args_;
  int vector_, row_;
  uint32_t issued_ = 0;
};

// Queries, keys 0, keys 1, values 0, keys 2, values 1, ..., the last values.
template <int KEYS>
__device__ void Produce(const AttentionTiles<KEYS>& tiles, const WindowAttentionArgs& args,
                        int64_t count) {
  Producer producer(args);
  RingState<kQueryStages> query;
  RingState<kItemStages> item;
  const int key_tiles = static_cast<int>((args.length + KEYS - 1) / KEYS);
  for (int64_t tile = blockIdx.x; tile < count; tile += gridDim.x) {
    const QueryTile at = TileOf(args, tile);
    const auto copy = [&](const void* from, int64_t stride, int token) {
      Wait(tiles.ItemEmpty(item.stage), item.parity ^ 1);
      producer.Copy<KEYS>(tiles.Item(item.stage), from, stride, at.head, token);
      producer.Announce(tiles.ItemFull(item.stage));
      item.Advance();
    };
    int token = producer.TokenOfLane(at.window, at.query);
    int next = producer.TokenOfLane(at.window, 0);
    Wait(tiles.QueriesEmpty(query.stage), query.parity ^ 1);
    producer.Copy<kQueries>(tiles.Queries(query.stage), args.q, args.q_stride, at.head, token);
    producer.Announce(tiles.QueriesFull(query.stage));
    query.Advance();
    for (int i = 0; i < key_tiles; ++i) {
      const int before = token;
      token = next;
      next = producer.TokenOfLane(at.window, (i + 1) * KEYS);
      copy(args.k, args.k_stride, token);
      if (i > 0) copy(args.v, args.v_stride, before);
    }
    copy(args.v, args.v_stride, token);
  }
  if (blockIdx.x < count) producer.Finish();
}

// A consumer warp releases a stage.
__device__ inline void ReleaseStage(uint32_t barrier) {
  if (threadIdx.x % kWarp == 0) Arrive(barrier);
}

// Consumers take turns: `mine` is 0 or 1.
__device__ inline void WaitForTurn(int mine) {
  asm volatile("bar.sync %0, %1;" ::"r"(1 + mine), "n"(2 * kWarpgroup) : "memory");
}
__device__ inline void PassTurn(int mine) {
  asm volatile("bar.arrive %0, %1;" ::"r"(2 - mine), "n"(2 * kWarpgroup) : "memory");
}

// All warps of a consumer have come here.
__device__ inline void JoinConsumer(int mine) {
  asm volatile("bar.sync %0, %1;" ::"r"(3 + mine), "n"(kWarpgroup) : "memory");
}

// Issues scores = queries (64 x d) keys^T.
template <int KEYS>
__device__ inline void IssueScores(float (&scores)[KEYS / 2], uint32_t queries, uint32_t keys) {
  const uint64_t a = SwizzledDescriptor(queries, 16), b = SwizzledDescriptor(keys, 16);
  WgmmaFence();
#pragma unroll
  for (int i = 0; i < kDim / 16; ++i) {
    const int panel = i / 4, step = i % 4 * 32;  // bytes of 16 channels
    WgmmaScores(scores, Advance(a, panel * kQueries * kPanelRowBytes + step),
                Advance(b, panel * KEYS * kPanelRowBytes + step), i > 0);
  }
  WgmmaCommit();
}

// Issues sums += weights (64 x KEYS) values.
template <int KEYS>
__device__ inline void IssueValues(float (&sums)[kDim / 2], const uint32_t (&weights)[KEYS / 4],
                                   uint32_t values) {
  const uint64_t b = SwizzledDescriptor(values, KEYS * kPanelRowBytes);
  WgmmaFence();
#pragma unroll
  for (int i = 0; i < KEYS / 16; ++i) {
    WgmmaValues(sums, weights + 4 * i, Advance(b, i * 2 * kSwizzleBytes));
  }
  WgmmaCommit();
}

// The softmax of a thread's two rows, lane / 4 of its warp's 16 and eight below, over the keys so
// far.
struct RunningSoftmax {
  float largest[2] = {-INFINITY, -INFINITY};
  float sum[2] = {0, 0};  // of this thread's keys

  // Scores to weights relative to the largest score so far; returns what earlier weights are to be
  // multiplied by.
  template <int SIZE>
  __device__ float2 Update(float (&scores)[SIZE], float scale) {
    float factor[2];
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      float top = largest[row];
#pragma unroll
      for (int i = 2 * row; i < SIZE; i += 4) top = fmaxf(top, fmaxf(scores[i], scores[i + 1]));
      top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
      top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
      factor[row] = Exp2((largest[row] - top) * scale);
      largest[row] = top;
      const float offset = top * scale;
      float total = 0;
#pragma unroll
      for (int i = 2 * row; i < SIZE; i += 4) {
        scores[i] = Exp2(fmaf(scores[i], scale, -offset));
        scores[i + 1] = Exp2(fmaf(scores[i + 1], scale, -offset));
        total += scores[i] + scores[i + 1];
      }
      sum[row] = sum[row] * factor[row] + total;
    }
    return make_float2(factor[0], factor[1]);
  }
};

// Scores from key `keys` on are beyond the window.
template <int SIZE>
__device__ inline void MaskScores(float (&scores)[SIZE], int keys) {
  const int first = 2 * (threadIdx.x % 4);
#pragma unroll
  for (int i = 0; i < SIZE; ++i) {
    if (i / 4 * 8 + first + i % 2 >= keys) scores[i] = -INFINITY;
  }
}

template <int SIZE>
__device__ inline void PackWeights(const float (&weights)[SIZE], uint32_t (&packed)[SIZE / 2]) {
#pragma unroll
  for (int i = 0; i < SIZE / 2; ++i) packed[i] = PackPair(weights[2 * i], weights[2 * i + 1]);
}

__device__ inline void ScaleRows(float (&sums)[kDim / 2], float2 factor) {
#pragma unroll
  for (int i = 0; i < kDim / 2; ++i) sums[i] *= i % 4 < 2 ? factor.x : factor.y;
}

// Writes a warp's 16 rows, by way of its part of the queries' tile, which no one else reads.
__device__ inline void StoreRows(const float (&sums)[kDim / 2], uint32_t queries,
                                 const WindowAttentionArgs& args, const QueryTile& at,
                                 int first_row) {
  const int lane = threadIdx.x % kWarp;
  const uint32_t warp = queries + first_row * kPanelRowBytes;  // 16 rows of each panel
  const auto place = [&](int row, int vector) {
    return warp + vector / 8 * kQueries * kPanelRowBytes + row * kPanelRowBytes +
           ((vector % 8) ^ (row % 8)) * 16;
  };
#pragma unroll
  for (int i = 0; i < kDim / 2; i += 2) {
    const uint32_t to = place(lane / 4 + i % 4 / 2 * 8, i / 4) + lane % 4 * 4;
    asm volatile("st.shared.u32 [%0], %1;" ::"r"(to), "r"(PackPair(sums[i], sums[i + 1]))
                 : "memory");
  }
  __syncwarp();
  const int mine = at.query + first_row + lane % 16;
  const int token = mine < args.length ? static_cast<int>(TokenAt(args, at.window + mine)) : -1;
  const int vector = lane % kRowVectors, channel = at.head * kDim + 8 * vector;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const int row = 2 * i + lane / kRowVectors;
    const int64_t to = __shfl_sync(0xffffffffu, token, row);
    unsigned int words[4];
    LoadSharedVector(place(row, vector), words);
    if (to < 0) continue;
    uint4 result = make_uint4(words[0], words[1], words[2], words[3]);
    if (args.other) {
      float mean[8], other[8];
      Unpack(result, mean);
      Load(static_cast<const Bf16*>(args.other), to * args.other_stride + channel, other);
#pragma unroll
      for (int j = 0; j < 8; ++j) mean[j] = (mean[j] + other[j]) * 0.5f;
      result = Pack(mean);
    }
    *reinterpret_cast<uint4*>(static_cast<Bf16*>(args.out) + to * args.out_stride + channel) =
        result;
  }
}

// A consumer's part of one tile: the sums over all keys, not yet divided.
template <int KEYS>
__device__ inline void AttendTile(const AttentionTiles<KEYS>& tiles, int64_t length, int mine,
                                  uint32_t queries, RingState<kItemStages>& item,
                                  RunningSoftmax& softmax, float (&sums)[kDim / 2]) {
  const float scale = kLog2E * rsqrtf(static_cast<float>(kDim));
  const int key_tiles = static_cast<int>((length + KEYS - 1) / KEYS);
  const int last_keys = static_cast<int>(length) - (key_tiles - 1) * KEYS;
  float scores[KEYS / 2];
  uint32_t weights[KEYS / 4];
  Wait(tiles.ItemFull(item.stage), item.parity);
  IssueScores<KEYS>(scores, queries, tiles.Item(item.stage));
  WgmmaWait<0>();
  KeepInOrder(scores);
  ReleaseStage(tiles.ItemEmpty(item.stage));
  item.Advance();
  if (key_tiles == 1) MaskScores(scores, last_keys);
  softmax.Update(scores, scale);
  PackWeights(scores, weights);
#pragma unroll 1
  for (int i = 1; i < key_tiles; ++i) {
    const int keys_stage = item.stage;
    Wait(tiles.ItemFull(item.stage), item.parity);
    WaitForTurn(mine);
    IssueScores<KEYS>(scores, queries, tiles.Item(item.stage));
    item.Advance();
    Wait(tiles.ItemFull(item.stage), item.parity);
    IssueValues<KEYS>(sums, weights, tiles.Item(item.stage));
    PassTurn(mine);
    WgmmaWait<1>();
    KeepInOrder(scores);
    ReleaseStage(tiles.ItemEmpty(keys_stage));
    if (i + 1 == key_tiles && last_keys < KEYS) MaskScores(scores, last_keys);
    const float2 factor = softmax.Update(scores, scale);
    WgmmaWait<0>();
    KeepInOrder(sums);
    ReleaseStage(tiles.ItemEmpty(item.stage));
    item.Advance();
    ScaleRows(sums, factor);
    PackWeights(scores, weights);
  }
  Wait(tiles.ItemFull(item.stage), item.parity);
  IssueValues<KEYS>(sums, weights, tiles.Item(item.stage));
  WgmmaWait<0>();
  KeepInOrder(sums);
  ReleaseStage(tiles.ItemEmpty(item.stage));
  item.Advance();
}

template <int KEYS>
__device__ void ConsumeTiles(const AttentionTiles<KEYS>& tiles, const WindowAttentionArgs& args,
                             int64_t count) {
  // The same in all lanes, which the compiler cannot see.
  const int mine = __shfl_sync(0xffffffffu, threadIdx.x / kWarpgroup, 0) - 1;
  const int warp_row = (threadIdx.x - kWarpgroup) / kWarp * 16;
  if (mine == 1) PassTurn(mine);  // the first turn is consumer 0's
  RingState<kQueryStages> query;
  RingState<kItemStages> item;
  for (int64_t tile = blockIdx.x; tile < count; tile += gridDim.x) {
    const QueryTile at = TileOf(args, tile);
    const uint32_t queries = tiles.Queries(query.stage);
    RunningSoftmax softmax;
    float sums[kDim / 2] = {};
    Wait(tiles.QueriesFull(query.stage), query.parity);
    AttendTile<KEYS>(tiles, args.length, mine, queries + mine * 64 * kPanelRowBytes, item, softmax,
                     sums);
    JoinConsumer(mine);  // no product reads the queries any more
    ScaleRows(sums, make_float2(1 / QuadSum(softmax.sum[0]), 1 / QuadSum(softmax.sum[1])));
    StoreRows(sums, queries, args, at, warp_row);
    __syncwarp();
    ReleaseStage(tiles.QueriesEmpty(query.stage));
    query.Advance();
  }
}

template <int KEYS>
__global__ void __launch_bounds__(kAttentionThreads, 1)
    WindowAttentionKernel(const __grid_constant__ WindowAttentionArgs args, int64_t count) {
  extern __shared__ unsigned char attention_memory[];
  const AttentionTiles<KEYS> tiles{(SharedAddress(attention_memory) + kSwizzleBytes - 1) /
                                   kSwizzleBytes * kSwizzleBytes};
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < kQueryStages; ++stage) {
      InitBarrier(tiles.QueriesFull(stage), kWarpgroup);
      InitBarrier(tiles.QueriesEmpty(stage), kConsumerWarps);
    }
    for (int stage = 0; stage < kItemStages; ++stage) {
      InitBarrier(tiles.ItemFull(stage), kWarpgroup);
      InitBarrier(tiles.ItemEmpty(stage), kConsumerWarps);
    }
    FenceBarrierInit();
  }
  __syncthreads();
  // Registers: 128 x 40 + 256 x 232 of 65,536.
  if (threadIdx.x < kWarpgroup) {
    SetMaxRegsDec<40>();
    Produce<KEYS>(tiles, args, count);
  } else {
    SetMaxRegsInc<232>();
    ConsumeTiles<KEYS>(tiles, args, count);
  }
}

template <int KEYS>
void LaunchWithKeys(const WindowAttentionArgs& args, cudaStream_t stream) {
  using Tiles = AttentionTiles<KEYS>;
  const int64_t count = args.windows * args.heads * ((args.length + kQueries - 1) / kQueries);
  const auto kernel = WindowAttentionKernel<KEYS>;
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Tiles::kSharedBytes);
  const int blocks = static_cast<int>(std::min<int64_t>(Multiprocessors(), count));
  kernel<<<blocks, kAttentionThreads, Tiles::kSharedBytes, stream>>>(args, count);
  CheckLaunch("WindowAttention");
}

int64_t PaddedKeys(int64_t length, int64_t tile) { return (length + tile - 1) / tile * tile; }

}  // namespace

void LaunchWindowAttention(const WindowAttentionArgs& args, Stream stream) {
  if (PaddedKeys(args.length, 112) < PaddedKeys(args.length, 128)) {
    LaunchWithKeys<112>(args, ToCuda(stream));
  } else {
    LaunchWithKeys<128>(args, ToCuda(stream));
  }
}

}  // namespace t3::kernels
