// A token's coordinates in its video, and the rotation of its pairs.
#pragma once

#include "kernels/cuda/vector.cuh"
#include "kernels/rope.h"

namespace t3::kernels {

struct Coordinate {
  int64_t t, h, w;
};

__device__ inline Coordinate CoordinateOf(const RopeArgs& rope, int64_t token) {
  // Grids have fewer than 2^31 tokens; 32-bit division is several times faster.
  const unsigned int id = static_cast<unsigned int>(token);
  const unsigned int width = static_cast<unsigned int>(rope.width);
  const unsigned int height = static_cast<unsigned int>(rope.height);
  const unsigned int row = id / width;
  const unsigned int frame = row / height;
  return {frame % static_cast<unsigned int>(rope.frames), row % height, id % width};
}

// (cos, sin) of a head's pair.
__device__ inline float2 Factor(const RopeArgs& rope, const Coordinate& at, int pair) {
  const float* table = rope.t + 2 * (at.t * rope.pairs_t + pair);
  if (pair >= rope.pairs_t + rope.pairs_h) {
    table = rope.w + 2 * (at.w * rope.pairs_w + pair - rope.pairs_t - rope.pairs_h);
  } else if (pair >= rope.pairs_t) {
    table = rope.h + 2 * (at.h * rope.pairs_h + pair - rope.pairs_t);
  }
  return *reinterpret_cast<const float2*>(table);
}

// values * inverse * weight, then rotated.
template <int N>
__device__ inline void NormRotate(float (&values)[N], float inverse, const float* weight,
                                  const float2 (&factors)[N / 2], bool rotate) {
  float weights[N];
  LoadFloats(weight, weights);
#pragma unroll
  for (int i = 0; i < N; ++i) values[i] *= inverse * weights[i];
  if (!rotate) return;
#pragma unroll
  for (int i = 0; i < N / 2; ++i) {
    const float a = values[2 * i], b = values[2 * i + 1];
    values[2 * i] = a * factors[i].x - b * factors[i].y;
    values[2 * i + 1] = a * factors[i].y + b * factors[i].x;
  }
}

}  // namespace t3::kernels
