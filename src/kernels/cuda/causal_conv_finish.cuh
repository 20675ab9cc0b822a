// From a warpgroup's sums to memory: bias, norm and SiLU, or a residual, and one rounding.
//
// The four threads of a quad hold a pixel's channels two by two (hopper.cuh); memory wants eight
// by eight, so words change hands within the quad.
#pragma once

#include "kernels/cuda/causal_conv_tile.cuh"

namespace t3::kernels {

enum class Finish { kPlain, kNormSilu, kAdd };

// What a finish reads and writes.
struct CausalConvFinish {
  __nv_bfloat16* y;
  int64_t y_frame_stride;
  const float* bias;              // but for kPlain
  const float* gamma;             // of kNormSilu
  const __nv_bfloat16* residual;  // of kAdd
  int64_t residual_frame_stride;
};

// Changes a with thread ^ `mask`'s b if this thread is `second` of the two, else b with its a.
__device__ inline void Exchange(unsigned int& a, unsigned int& b, int mask, bool second) {
  const unsigned int got = __shfl_xor_sync(0xffffffffu, second ? a : b, mask);
  a = second ? got : a;
  b = second ? b : got;
}

// Word i of thread l of each quad becomes word l of thread i.
__device__ inline void TransposeQuad(unsigned int (&words)[4]) {
  const bool odd = threadIdx.x & 1, high = threadIdx.x & 2;
  Exchange(words[0], words[1], 1, odd);
  Exchange(words[2], words[3], 1, odd);
  Exchange(words[0], words[2], 2, high);
  Exchange(words[1], words[3], 2, high);
}

// One pixel's channels: 8j + 2 * (lane % 4) and the next for every j < OUT / 8, whose sums are
// sum[4j + 2 * HALF] and the next. `there`: whether the pixel is in the frame.
template <int OUT, int HALF>
struct Pixel {
  const float (&sum)[OUT / 2];
  uint32_t bias;  // shared address of the value of this thread's first channel
  bool there;

  __device__ float2 Sum(int j) const { return {sum[4 * j + 2 * HALF], sum[4 * j + 2 * HALF + 1]}; }
  __device__ float2 WithBias(int j) const {
    const float2 value = Sum(j), add = LoadShared(bias + 32 * j);
    return {value.x + add.x, value.y + add.y};
  }

  // Writes value_of(j) of every j; y: this thread's first vector of the pixel.
  template <typename F>
  __device__ void Write(__nv_bfloat16* y, F value_of) const {
    if constexpr (OUT == 8) {  // the quad's vector, 4 bytes each
      const float2 value = value_of(0);
      if (there) {
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
      if (there) {
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

// Row HALF of the two of which a warp has sums, a pixel of every block for each thread. `place`: of
// the row's first pixel; `residual`: shared address of the row's.
template <typename T, Finish FINISH, int HALF>
__device__ void FinishRow(const typename T::Sums& sums, const CausalConvShape& shape,
                          const TilePlace& place, const CausalConvFinish& finish, uint32_t tables,
                          uint32_t residual) {
  const int lane = threadIdx.x % kWarp;
  const uint32_t bias = tables + 8 * (lane % 4), gamma = bias + 4 * T::kOut;
  residual += lane / 4 * T::kOut * 2 + lane % 4 * kVector;
  const int64_t first = static_cast<int64_t>(place.row) * shape.columns + place.column + lane / 4;
  __nv_bfloat16* y =
      finish.y + place.frame * finish.y_frame_stride + first * T::kOut + 8 * (lane % 4);
#pragma unroll
  for (int block = 0; block < T::kBlocks; ++block) {
    const bool there =
        place.row < shape.rows && place.column + 8 * block + lane / 4 < shape.columns;
    const Pixel<T::kOut, HALF> pixel{sums[block], bias, there};
    __nv_bfloat16* to = y + 8 * block * T::kOut;
    if constexpr (FINISH == Finish::kPlain) {
      pixel.Write(to, [&](int j) { return pixel.Sum(j); });
    } else if constexpr (FINISH == Finish::kNormSilu) {
      pixel.WriteNormSilu(to, gamma);
    } else {
      pixel.WriteSum(to, residual + 8 * block * T::kOut * 2);
    }
  }
}

}  // namespace t3::kernels
