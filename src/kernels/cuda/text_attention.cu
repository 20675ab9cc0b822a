// Attention to the text. A warp takes 16 tokens of one head at a time, the rows of an m16n8k16 MMA.
//
// The order of a head's channels is free inside both products, as long as both operands share it.
// It is chosen so that the 8 values that a thread holds of 32 channels are contiguous in memory: q
// and the result move as whole 16-byte vectors, and the keys and values are permuted instead, once,
// on their way into shared memory.
#include <algorithm>
#include <cmath>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/vector.cuh"
#include "kernels/device.h"
#include "kernels/text_attention.h"

namespace t3::kernels {
namespace {

constexpr int kWarps = 4;     // per block
constexpr int kRows = 16;     // tokens per warp at a time
constexpr int kKeyTile = 64;  // keys whose logits are in registers at a time
constexpr int kGroup = 32;    // channels of one 16-byte vector of each of a row's four threads
constexpr int kPadding = 8;   // elements between rows, against bank conflicts

// Four 8x8 matrices of bf16, the rows of matrix i at the addresses of lanes 8i to 8i + 7.
__device__ inline void LdMatrix(const __nv_bfloat16* row, unsigned int (&out)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(SharedAddress(row)));
}

__device__ inline void LdMatrixTransposed(const __nv_bfloat16* row, unsigned int (&out)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(SharedAddress(row)));
}

// sum (16x8) += a (16x16) b (16x8)
__device__ inline void Mma(float (&sum)[4], const unsigned int (&a)[4], unsigned int b0,
                           unsigned int b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
      "{%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ inline float QuadMax(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

// A block's head in shared memory.
template <int DIM>
struct SharedHead {
  static constexpr int kStride = DIM + kPadding;
  __nv_bfloat16 *k, *v;  // (keys, kStride), channels permuted
  float* weight;         // (DIM)
  float* bias;           // (keys), times log2(e)

  __device__ SharedHead(unsigned char* memory, int keys)
      : k(reinterpret_cast<__nv_bfloat16*>(memory)),
        v(k + keys * kStride),
        weight(reinterpret_cast<float*>(v + keys * kStride)),
        bias(weight + DIM) {}
  static size_t Bytes(int keys) {
    return static_cast<size_t>(2 * keys * kStride) * sizeof(__nv_bfloat16) +
           static_cast<size_t>(DIM + keys) * sizeof(float);
  }
};

// Vector t of a group of 32 channels: its words go to the same place of the group's four matrices
// of 8 columns.
template <int DIM>
__device__ void FillRows(const void* from, __nv_bfloat16* to, const TextAttentionArgs& args,
                         int head) {
  constexpr int kVectors = DIM / 8;
  for (int i = threadIdx.x; i < args.keys * kVectors; i += kWarps * kWarp) {
    const int row = i / kVectors, vector = i % kVectors;
    const int64_t channels = static_cast<int64_t>(args.heads) * DIM;
    const uint4 words = *reinterpret_cast<const uint4*>(static_cast<const __nv_bfloat16*>(from) +
                                                        row * channels + head * DIM + vector * 8);
    unsigned int* target = reinterpret_cast<unsigned int*>(to + row * SharedHead<DIM>::kStride +
                                                           vector / 4 * kGroup + vector % 4 * 2);
    target[0] = words.x;
    target[4] = words.y;
    target[8] = words.z;
    target[12] = words.w;
  }
}

// One token's 8 channels, normed and rounded.
__device__ inline uint4 NormVector(uint4 raw, float inverse, const float* weight) {
  float values[8], weights[8];
  Unpack(raw, values);
  LoadFloats(weight, weights);
#pragma unroll
  for (int i = 0; i < 8; ++i) values[i] *= inverse * weights[i];
  return Pack(values);
}

// A thread has rows g and g + 8 of its warp's 16, g = lane / 4, and vector lane % 4 of each group.
template <int DIM>
struct Rows {
  static constexpr int kGroups = DIM / kGroup;
  __nv_bfloat16* row[2];  // where the vectors of group 0 lie; nullptr beyond the last token
  unsigned int a[2 * kGroups][4];  // of the products' 16 channels each

  __device__ Rows(const TextAttentionArgs& args, int64_t first, int head, const float* weight) {
    const int lane = threadIdx.x % kWarp;
    uint4 raw[2][kGroups];
    float inverse[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int64_t token = first + lane / 4 + 8 * i;
      const bool inside = token < args.tokens;
      row[i] = inside ? static_cast<__nv_bfloat16*>(args.q) + token * args.q_stride + head * DIM +
                            lane % 4 * 8
                      : nullptr;
      inverse[i] = inside ? args.q_inverse[token] : 0.f;
#pragma unroll
      for (int group = 0; group < kGroups; ++group) {
        raw[i][group] = inside ? *reinterpret_cast<const uint4*>(row[i] + group * kGroup)
                               : make_uint4(0, 0, 0, 0);
      }
    }
#pragma unroll
    for (int group = 0; group < kGroups; ++group) {
      const float* weights = weight + group * kGroup + lane % 4 * 8;
      const uint4 low = NormVector(raw[0][group], inverse[0], weights);
      const uint4 high = NormVector(raw[1][group], inverse[1], weights);
      a[2 * group][0] = low.x, a[2 * group][1] = high.x;
      a[2 * group][2] = low.y, a[2 * group][3] = high.y;
      a[2 * group + 1][0] = low.z, a[2 * group + 1][1] = high.z;
      a[2 * group + 1][2] = low.w, a[2 * group + 1][3] = high.w;
    }
  }
};

// A warp's running state: sums of e^(logit - max) v, of e^(logit - max), and the
// largest logit times log2(e), of rows g and g + 8.
template <int DIM>
struct Softmax {
  float sum[DIM / 8][4] = {};
  float total[2] = {0, 0};
  float max[2] = {-INFINITY, -INFINITY};

  // Logits times log2(e) of keys [first, first + kKeyTile).
  __device__ static void Logits(const Rows<DIM>& rows, const SharedHead<DIM>& head, int first,
                                float (&logits)[kKeyTile / 8][4]) {
    const int lane = threadIdx.x % kWarp;
    const float scale = kLog2E * rsqrtf(static_cast<float>(DIM));
#pragma unroll
    for (int n = 0; n < kKeyTile / 8; ++n) {
      float(&s)[4] = logits[n];
      s[0] = s[1] = s[2] = s[3] = 0;
      const __nv_bfloat16* key =
          head.k + (first + n * 8 + lane % 8) * SharedHead<DIM>::kStride + lane / 8 * 8;
#pragma unroll
      for (int group = 0; group < DIM / kGroup; ++group) {
        unsigned int b[4];
        LdMatrix(key + group * kGroup, b);
        Mma(s, rows.a[2 * group], b[0], b[1]);
        Mma(s, rows.a[2 * group + 1], b[2], b[3]);
      }
      const float2 bias =
          *reinterpret_cast<const float2*>(head.bias + first + n * 8 + lane % 4 * 2);
      s[0] = s[0] * scale + bias.x, s[1] = s[1] * scale + bias.y;
      s[2] = s[2] * scale + bias.x, s[3] = s[3] * scale + bias.y;
    }
  }

  // Online softmax: turns logits into weights relative to the running maximum and rescales the
  // sums.
  __device__ void UpdateWeights(float (&logits)[kKeyTile / 8][4]) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float largest = max[i];
#pragma unroll
      for (int n = 0; n < kKeyTile / 8; ++n) {
        largest = fmaxf(largest, fmaxf(logits[n][2 * i], logits[n][2 * i + 1]));
      }
      largest = QuadMax(largest);
      const float base = largest == -INFINITY ? 0.f : largest;
      const float rescale = Exp2(max[i] - base);
      max[i] = largest;
      total[i] *= rescale;
#pragma unroll
      for (int n = 0; n < DIM / 8; ++n) sum[n][2 * i] *= rescale, sum[n][2 * i + 1] *= rescale;
#pragma unroll
      for (int n = 0; n < kKeyTile / 8; ++n) {
        float& x = logits[n][2 * i];
        float& y = logits[n][2 * i + 1];
        x = Exp2(x - base), y = Exp2(y - base);
        total[i] += x + y;
      }
    }
  }

  __device__ void AccumulateValues(const float (&weights)[kKeyTile / 8][4],
                                   const SharedHead<DIM>& head, int first) {
    const int lane = threadIdx.x % kWarp;
#pragma unroll
    for (int k = 0; k < kKeyTile / 16; ++k) {
      const float(&low)[4] = weights[2 * k];
      const float(&high)[4] = weights[2 * k + 1];
      const unsigned int a[4] = {PackPair(low[0], low[1]), PackPair(low[2], low[3]),
                                 PackPair(high[0], high[1]), PackPair(high[2], high[3])};
      const __nv_bfloat16* value =
          head.v + (first + k * 16 + lane % 16) * SharedHead<DIM>::kStride + lane / 16 * 8;
#pragma unroll
      for (int n = 0; n < DIM / 8; n += 2) {
        unsigned int b[4];
        LdMatrixTransposed(value + n * 8, b);
        Mma(sum[n], a, b[0], b[1]);
        Mma(sum[n + 1], a, b[2], b[3]);
      }
    }
  }

  __device__ void Write(const Rows<DIM>& rows) const {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const float inverse = 1.f / QuadSum(total[i]);
      if (rows.row[i] == nullptr) continue;
#pragma unroll
      for (int group = 0; group < DIM / kGroup; ++group) {
        float values[8];
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          values[2 * j] = sum[4 * group + j][2 * i] * inverse;
          values[2 * j + 1] = sum[4 * group + j][2 * i + 1] * inverse;
        }
        Store(rows.row[i], group * kGroup, values);
      }
    }
  }
};

// Blocks (x, head): each fills its memory once and takes every gridDim.x-th group of tokens.
template <int DIM>
__global__ void __launch_bounds__(kWarps* kWarp, 3)
    TextAttentionKernel(const TextAttentionArgs args) {
  extern __shared__ __align__(16) unsigned char memory[];
  const SharedHead<DIM> shared(memory, args.keys);
  const int head = blockIdx.y;
  FillRows<DIM>(args.k, shared.k, args, head);
  FillRows<DIM>(args.v, shared.v, args, head);
  for (int i = threadIdx.x; i < DIM; i += kWarps * kWarp) {
    shared.weight[i] = args.q_weight[head * DIM + i];
  }
  for (int i = threadIdx.x; i < args.keys; i += kWarps * kWarp) {
    shared.bias[i] = args.bias ? args.bias[i] * kLog2E : 0.f;
  }
  __syncthreads();
  const int64_t step = static_cast<int64_t>(gridDim.x) * kWarps * kRows;
  int64_t first = (static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp) * kRows;
  for (; first < args.tokens; first += step) {
    const Rows<DIM> rows(args, first, head, shared.weight);
    Softmax<DIM> softmax;
    for (int key = 0; key < args.keys; key += kKeyTile) {
      float logits[kKeyTile / 8][4];
      softmax.Logits(rows, shared, key, logits);
      softmax.UpdateWeights(logits);
      softmax.AccumulateValues(logits, shared, key);
    }
    softmax.Write(rows);
  }
}

template <int DIM>
void Launch(const TextAttentionArgs& args, cudaStream_t stream) {
  const size_t bytes = SharedHead<DIM>::Bytes(args.keys);
  int blocks = 1;
  cudaFuncSetAttribute(TextAttentionKernel<DIM>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                       static_cast<int>(bytes));
  cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, TextAttentionKernel<DIM>, kWarps * kWarp,
                                                bytes);
  const int64_t tiles = (args.tokens + kWarps * kRows - 1) / (kWarps * kRows);
  // No more blocks than run at once, or a partial wave would follow.
  const int64_t resident_blocks = std::max(1, Multiprocessors() * blocks / args.heads);
  const dim3 grid(static_cast<unsigned int>(std::min(resident_blocks, tiles)),
                  static_cast<unsigned int>(args.heads));
  TextAttentionKernel<DIM><<<grid, kWarps * kWarp, bytes, stream>>>(args);
}

}  // namespace

void LaunchTextAttention(const TextAttentionArgs& args, Stream stream) {
  if (args.head_dim == 128) {
    Launch<128>(args, ToCuda(stream));
  } else {
    Launch<64>(args, ToCuda(stream));
  }
  CheckLaunch("TextAttention");
}

}  // namespace t3::kernels
