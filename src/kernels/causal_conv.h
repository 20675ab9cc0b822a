// The 3x3x3 causal convolutions of the VAE's wide maps on Hopper GPUs, in bf16, with a fused
// epilogue: 605 and 660 TFLOP/s for 96 and 192 channels on an H200, where cuDNN reaches 400 and 540
// (docs/design/decoder.md).
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

// y = convolution of x; then
// with gamma:     + bias, / max(L2 norm over the channels, 1e-12), * gamma, SiLU;
// with residual:  + bias + residual;
// in fp32, with one rounding. Not both, and neither for 8 channels, the decoder's last.
struct CausalConvArgs {
  const void* cache;   // (2, rows + 2, columns, in), contiguous: the frames before x
  const void* x;       // (frames, rows + 2, columns, in), contiguous; columns are padded with 0
  const void* weight;  // (3, in / kCausalConvGroup, 3, 3, kCausalConvGroup / 8, out, 8): time,
                       // channels, row, column
  void* y;             // (frames, rows, columns, out), each frame contiguous
  int64_t y_frame_stride;
  int64_t frames;
  int64_t rows;
  int64_t columns;
  int64_t in;
  int64_t out;
  const float* bias;     // (out), or nullptr with neither
  const float* gamma;    // (out), sqrt(out) included, or nullptr
  const void* residual;  // same layout as y, or nullptr
  int64_t residual_frame_stride;
};

constexpr int64_t kCausalConvGroup = 48;  // input channels per pipeline stage

// cuDNN is as fast for more channels.
constexpr bool SupportsCausalConv(int64_t in, int64_t out) {
  return in > 0 && in % kCausalConvGroup == 0 && (out == 8 || out == 96 || out == 192);
}

// Output tiles, which the persistent thread blocks share.
int64_t CausalConvTiles(int64_t frames, int64_t rows, int64_t columns, int64_t out);

// Needs compute capability 9.0.
void LaunchCausalConv(const CausalConvArgs& args, Stream stream);

}  // namespace t3::kernels
