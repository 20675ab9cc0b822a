// The passes around attention of e4m3 codes.
#include "kernels/cuda/fp8.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/rope.cuh"
#include "kernels/device.h"
#include "kernels/fp8_attention.h"

namespace t3::kernels {
namespace {

using Bf16 = __nv_bfloat16;
constexpr int kN = kLanes<Bf16>;

const dim3 kCodesBlock(64, 4);  // vectors of a token, tokens

__device__ int64_t RowOfToken(const int32_t* rows, int64_t token) {
  return rows ? rows[token] : token;
}

__device__ inline void RotationOf(const RopeArgs& rope, int64_t token, int channel, int head_dim,
                                  float2 (&factors)[kN / 2]) {
  const Coordinate at = CoordinateOf(rope, token);
#pragma unroll
  for (int i = 0; i < kN / 2; ++i) factors[i] = Factor(rope, at, channel % head_dim / 2 + i);
}

// A block takes kMeanLanes vectors; its kMeanSlots rows of threads take the samples in turn.
constexpr int kMeanLanes = 8, kMeanSlots = 64;

__global__ void __launch_bounds__(kMeanLanes* kMeanSlots)
    KeyValueMeanKernel(const KeyValueMeanArgs args) {
  __shared__ float shared[kMeanSlots][kMeanLanes][2 * kN];
  const int lane = threadIdx.x % kMeanLanes, slot = threadIdx.x / kMeanLanes;
  const int c = (blockIdx.x * kMeanLanes + lane) * kN;
  const bool rotate = args.rope.t != nullptr;
  float k_sum[kN] = {}, v_sum[kN] = {};
  for (int i = slot; i < args.samples && c < args.channels; i += kMeanSlots) {
    const int64_t token = i * args.tokens / args.samples;
    float k[kN], v[kN];
    float2 factors[kN / 2] = {};
    Load(static_cast<const Bf16*>(args.k), token * args.k_stride + c, k);
    Load(static_cast<const Bf16*>(args.v), token * args.v_stride + c, v);
    if (rotate) RotationOf(args.rope, token, c, args.head_dim, factors);
    NormRotate(k, args.k_inverse[token], args.k_weight + c, factors, rotate);
#pragma unroll
    for (int j = 0; j < kN; ++j) k_sum[j] += k[j], v_sum[j] += v[j];
  }
#pragma unroll
  for (int j = 0; j < kN; ++j) {
    shared[slot][lane][j] = k_sum[j];
    shared[slot][lane][kN + j] = v_sum[j];
  }
  __syncthreads();
  const int value = threadIdx.x % (2 * kN), of = threadIdx.x / (2 * kN);
  const int channel = (blockIdx.x * kMeanLanes + of) * kN + value % kN;
  if (of >= kMeanLanes || channel >= args.channels) return;
  float sum = 0;
  for (int i = 0; i < kMeanSlots; ++i) sum += shared[i][of][value];
  (value < kN ? args.k_mean : args.v_mean)[channel] = sum / static_cast<float>(args.samples);
}

constexpr int kDeviationLanes = 32, kDeviationSlots = 8;

__global__ void __launch_bounds__(kDeviationLanes* kDeviationSlots)
    MaxDeviationKernel(const MaxDeviationArgs args) {
  __shared__ float shared[kDeviationSlots][kDeviationLanes][kN + 1];
  const int lane = threadIdx.x, slot = threadIdx.y;
  const int c = (blockIdx.x * kDeviationLanes + lane) * kN;
  if (c < args.channels) {
    float mean[kN], largest[kN] = {};
    LoadFloats(args.mean + c, mean);
    const int64_t step = static_cast<int64_t>(gridDim.y) * kDeviationSlots;
#pragma unroll 4
    for (int64_t t = blockIdx.y * kDeviationSlots + slot; t < args.tokens; t += step) {
      float x[kN];
      Load(static_cast<const Bf16*>(args.x), t * args.x_stride + c, x);
#pragma unroll
      for (int j = 0; j < kN; ++j) largest[j] = fmaxf(largest[j], fabsf(x[j] - mean[j]));
    }
#pragma unroll
    for (int j = 0; j < kN; ++j) shared[slot][lane][j] = largest[j];
  }
  __syncthreads();
  if (c >= args.channels) return;
  // Slot s of a vector's eight takes its channel s.
  float largest = 0;
#pragma unroll
  for (int i = 0; i < kDeviationSlots; ++i) largest = fmaxf(largest, shared[i][lane][slot]);
  // Numbers that are not negative compare as their bits do.
  atomicMax(reinterpret_cast<int*>(args.deviation + c + slot), __float_as_int(largest));
}
static_assert(kDeviationSlots == kN);

template <int TARGETS>
__global__ void __launch_bounds__(256) Fp8ScatterKernel(const Fp8ScatterArgs args) {
  const RmsRopeScatterArgs& to = args.scatter;
  const int64_t token = static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
  if (token >= to.tokens) return;
  int64_t offset[TARGETS];
#pragma unroll
  for (int i = 0; i < TARGETS; ++i) {
    offset[i] = RowOfToken(to.target[i].rows, token) * to.target[i].stride;
  }
  const bool rotate = to.rope.t != nullptr;
  const float q_encode = *args.q_encode, k_encode = *args.k_encode;
  const int channels = to.heads * to.head_dim;
  for (int c = threadIdx.x * kN; c < channels; c += blockDim.x * kN) {
    float q[kN], k[kN], v[kN], k_mean[kN], v_mean[kN], v_encode[kN];
    float2 factors[kN / 2] = {};
    Load(static_cast<const Bf16*>(to.q), token * to.q_stride + c, q);
    Load(static_cast<const Bf16*>(to.k), token * to.k_stride + c, k);
    Load(static_cast<const Bf16*>(to.v), token * to.v_stride + c, v);
    LoadFloats(args.k_mean + c, k_mean);
    LoadFloats(args.v_mean + c, v_mean);
    LoadFloats(args.v_encode + c, v_encode);
    if (rotate) RotationOf(to.rope, token, c, to.head_dim, factors);
    NormRotate(q, to.q_inverse[token], to.q_weight + c, factors, rotate);
    NormRotate(k, to.k_inverse[token], to.k_weight + c, factors, rotate);
#pragma unroll
    for (int j = 0; j < kN; ++j) {
      q[j] *= q_encode;
      k[j] = (k[j] - k_mean[j]) * k_encode;
      v[j] = (v[j] - v_mean[j]) * v_encode[j];
    }
    const uint2 q_codes = PackFp8(q), k_codes = PackFp8(k), v_codes = PackFp8(v);
#pragma unroll
    for (int i = 0; i < TARGETS; ++i) {
      const auto store = [&](void* base, uint2 codes) {
        *reinterpret_cast<uint2*>(static_cast<unsigned char*>(base) + offset[i] + c) = codes;
      };
      store(to.target[i].q, q_codes);
      store(to.target[i].k, k_codes);
      store(to.target[i].v, v_codes);
    }
  }
}

template <int SOURCES, bool CODES>
__global__ void __launch_bounds__(256) Fp8WindowMeanKernel(const Fp8WindowMeanArgs args) {
  const WindowMeanArgs& of = args.mean;
  const int64_t token = static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
  if (token >= of.tokens) return;
  const unsigned char* source[SOURCES];
#pragma unroll
  for (int i = 0; i < SOURCES; ++i) {
    source[i] = static_cast<const unsigned char*>(of.source[i].data) +
                RowOfToken(of.source[i].rows, token) * of.channels;
  }
  const float encode = CODES ? *args.encode : 0;
  for (int c = threadIdx.x * kN; c < of.channels; c += blockDim.x * kN) {
    float sum[kN], decode[kN], offset[kN];
    UnpackFp8(*reinterpret_cast<const uint2*>(source[0] + c), sum);
    if constexpr (SOURCES == 2) {
      float other[kN];
      UnpackFp8(*reinterpret_cast<const uint2*>(source[1] + c), other);
#pragma unroll
      for (int i = 0; i < kN; ++i) sum[i] = (sum[i] + other[i]) * 0.5f;
    }
    LoadFloats(args.decode + c, decode);
    LoadFloats(args.offset + c, offset);
#pragma unroll
    for (int i = 0; i < kN; ++i) sum[i] = sum[i] * decode[i] + offset[i];
    const int64_t to = token * of.out_stride + c;
    if constexpr (CODES) {
      StoreFp8(of.out, to, sum, encode);
    } else {
      Store(static_cast<Bf16*>(of.out), to, sum);
    }
  }
}

template <bool CODES>
void LaunchMeanOfCodes(const Fp8WindowMeanArgs& args, cudaStream_t stream) {
  const unsigned int blocks = TokenBlocks(args.mean.tokens, kCodesBlock.y);
  if (args.mean.sources == 1) {
    Fp8WindowMeanKernel<1, CODES><<<blocks, kCodesBlock, 0, stream>>>(args);
  } else {
    Fp8WindowMeanKernel<2, CODES><<<blocks, kCodesBlock, 0, stream>>>(args);
  }
}

unsigned int Groups(int64_t vectors, int per_block) {
  return static_cast<unsigned int>((vectors + per_block - 1) / per_block);
}

}  // namespace

void LaunchKeyValueMean(const KeyValueMeanArgs& args, Stream stream) {
  KeyValueMeanKernel<<<Groups(args.channels / kN, kMeanLanes), kMeanLanes * kMeanSlots, 0,
                       ToCuda(stream)>>>(args);
  CheckLaunch("KeyValueMean");
}

void LaunchMaxDeviation(const MaxDeviationArgs& args, Stream stream) {
  constexpr int kBlocksPerProcessor = 8;
  const unsigned int columns = Groups(args.channels / kN, kDeviationLanes);
  const unsigned int rows =
      (static_cast<unsigned int>(Multiprocessors() * kBlocksPerProcessor) + columns - 1) / columns;
  MaxDeviationKernel<<<dim3(columns, rows), dim3(kDeviationLanes, kDeviationSlots), 0,
                       ToCuda(stream)>>>(args);
  CheckLaunch("MaxDeviation");
}

void LaunchFp8Scatter(const Fp8ScatterArgs& args, Stream stream) {
  const unsigned int blocks = TokenBlocks(args.scatter.tokens, kCodesBlock.y);
  if (args.scatter.targets == 1) {
    Fp8ScatterKernel<1><<<blocks, kCodesBlock, 0, ToCuda(stream)>>>(args);
  } else {
    Fp8ScatterKernel<2><<<blocks, kCodesBlock, 0, ToCuda(stream)>>>(args);
  }
  CheckLaunch("Fp8Scatter");
}

void LaunchFp8WindowMean(const Fp8WindowMeanArgs& args, Stream stream) {
  if (args.encode != nullptr) {
    LaunchMeanOfCodes<true>(args, ToCuda(stream));
  } else {
    LaunchMeanOfCodes<false>(args, ToCuda(stream));
  }
  CheckLaunch("Fp8WindowMean");
}

}  // namespace t3::kernels
