// The epilogue of the causal convolution, from accumulators to memory: bias, norm and SiLU, or a
// residual, and one rounding.
//
// The four threads of a quad hold a pixel's channels in pairs (hopper.cuh); 16-byte stores need
// eight consecutive channels, so the quad transposes its words.
#pragma once

#include "kernels/cuda/causal_conv_tile.cuh"

namespace t3::kernels {

enum class Epilogue { kNone, kNormSilu, kAdd };

// What the epilogue reads and writes.
struct EpilogueArgs {
  __nv_bfloat16* y;
  int64_t y_frame_stride;
  const float* bias;              // unless kNone
  const float* gamma;             // of kNormSilu
  const __nv_bfloat16* residual;  // of kAdd
  int64_t residual_frame_stride;
};

// Swaps a with the b of thread ^ `mask` if this thread is the `second` of the two, else b with its
// a.
__device__ inline void Exchange(unsigned int& a, unsigned int& b, int mask, bool second) {
  const unsigned int received = __shfl_xor_sync(0xffffffffu, second ? a : b, mask);
  a = second ? received : a;
  b = second ? b : received;
}

// Word i of thread l of each quad becomes word l of thread i.
__device__ inline void TransposeQuad(unsigned int (&words)[4]) {
  const bool odd = threadIdx.x & 1, high = threadIdx.x & 2;
  Exchange(words[0], words[1], 1, odd);
  Exchange(words[2], words[3], 1, odd);
  Exchange(words[0], words[2], 2, high);
  Exchange(words[1], words[3], 2, high);
}

// A thread's channels of one pixel: 8j + 2 * (lane % 4) and the next for every j < OUT / 8, whose
// accumulators are sum[4j + 2 * HALF] and the next.
template <int OUT, int HALF>
struct Pixel {
  const float (&sum)[OUT / 2];
  uint32_t bias;  // shared address, of this thread's first channel
  bool in_frame;

  __device__ float2 Sum(int j) const { return {sum[4 * j + 2 * HALF], sum[4 * j + 2 * HALF + 1]}; }
  __device__ float2 WithBias(int j) const {
    const float2 value = Sum(j), add = LoadShared(bias + 32 * j);
    return {value.x + add.x, value.y + add.y};
  }

  // Stores value_of(j) for every j; y: this thread's first vector of the pixel.
  template <typename F>
  __device__ void Write(__nv_bfloat16* y, F value_of) const {
    if constexpr (OUT == 8) {  // the quad's vector, 4 bytes each
      const float2 value = value_of(0);
      if (in_frame) {
        const int lane = threadIdx.x % 4;  // y counts whole vectors
        *reinterpret_cast<unsigned int*>(y - 6 * lane) = PackPair(value.x, value.y);
      }
    }
#pragma unroll
    for (int v = 0; v < OUT / 32; ++v) {
      unsigned int words[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float2 value = value_of(4 * v + i);
        words[i] = PackPair(value.x, value.y);
      }
      TransposeQuad(words);
      if (in_frame) {
        *reinterpret_cast<uint4*>(y + 32 * v) = make_uint4(words[0], words[1], words[2], words[3]);
      }
    }
  }

  __device__ void WriteNormSilu(__nv_bfloat16* y, uint32_t gamma) const {
    float squares = 0;
#pragma unroll
    for (int j = 0; j < OUT / 8; ++j) {
      const float2 value = WithBias(j);
      squares += value.x * value.x + value.y * value.y;
    }
    const float inverse = 1.f / fmaxf(sqrtf(QuadSum(squares)), 1e-12f);
    const auto silu = [](float x) { return __fdividef(x, 1.f + __expf(-x)); };
    Write(y, [&](int j) -> float2 {
      const float2 value = WithBias(j), scale = LoadShared(gamma + 32 * j);
      return {silu(value.x * inverse * scale.x), silu(value.y * inverse * scale.y)};
    });
  }

  // residual: shared address of this thread's first vector of the pixel.
  __device__ void WriteSum(__nv_bfloat16* y, uint32_t residual) const {
    unsigned int words[4];
    Write(y, [&](int j) -> float2 {
      if (j % 4 == 0) {
        LoadSharedVector(residual + 16 * j, words);
        TransposeQuad(words);
      }
      const float2 value = WithBias(j);
      return {value.x + __uint_as_float(words[j % 4] << 16),
              value.y + __uint_as_float(words[j % 4] & 0xffff0000u)};
    });
  }
};

// Row HALF of the two that a warp has accumulated, one pixel of each block per thread. `origin`:
// the row's first pixel; `residual`: shared address of the row's residual.
template <typename T, Epilogue EPILOGUE, int HALF>
__device__ void StoreRow(const typename T::Accumulators& sums, const CausalConvShape& shape,
                         const TileOrigin& origin, const EpilogueArgs& args, uint32_t tables,
                         uint32_t residual) {
  const int lane = threadIdx.x % kWarp;
  const uint32_t bias = tables + 8 * (lane % 4), gamma = bias + 4 * T::kOut;
  residual += lane / 4 * T::kOut * 2 + lane % 4 * kVector;
  const int64_t first = static_cast<int64_t>(origin.row) * shape.columns + origin.column + lane / 4;
  __nv_bfloat16* y = args.y + origin.frame * args.y_frame_stride + first * T::kOut + 8 * (lane % 4);
#pragma unroll
  for (int block = 0; block < T::kBlocks; ++block) {
    const bool in_frame =
        origin.row < shape.rows && origin.column + 8 * block + lane / 4 < shape.columns;
    const Pixel<T::kOut, HALF> pixel{sums[block], bias, in_frame};
    __nv_bfloat16* to = y + 8 * block * T::kOut;
    if constexpr (EPILOGUE == Epilogue::kNone) {
      pixel.Write(to, [&](int j) { return pixel.Sum(j); });
    } else if constexpr (EPILOGUE == Epilogue::kNormSilu) {
      pixel.WriteNormSilu(to, gamma);
    } else {
      pixel.WriteSum(to, residual + 8 * block * T::kOut * 2);
    }
  }
}

}  // namespace t3::kernels
