// Channel norm + SiLU of the VAE's feature maps on the GPU (reference:
// ops/feature_map/norm_silu.cc).
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

// Maps are (frames, rows, columns, channels); each frame is contiguous.
struct NormSiluArgs {
  DType type;
  const void* x;
  int64_t x_frame_stride;
  int64_t x_rows;
  void* out;  // (frames, out_rows, columns, channels), contiguous
  int64_t frames;
  int64_t out_rows;
  int64_t first_row;  // row r of `out` is row r + first_row of x, or zero if x has no such row
  int64_t columns;
  int64_t channels;
  const float* bias;   // (channels), added first; nullptr: none
  const float* gamma;  // (channels), sqrt(channels) included; nullptr: no norm and no SiLU
  bool silu;
};
constexpr int64_t kNormSiluMaxVectors = 256;  // 16-byte vectors of a position's channels
void LaunchNormSilu(const NormSiluArgs& args, Stream stream);

}  // namespace t3::kernels
