// Rows of a matrix to e4m3 codes with a scale each, on the GPU (reference: ops/fp8/quantise.cc).
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

struct QuantiseRowsArgs {
  const void* x;  // (tokens, channels) bf16
  int64_t x_stride;
  int64_t tokens;
  int64_t channels;
  bool gelu = false;  // of x first, tanh approximation, in fp32
  void* codes;        // (tokens, channels) e4m3, contiguous
  float* scale;       // (tokens)
};
constexpr int64_t kQuantiseRowsMaxChannels = 16384;
void LaunchQuantiseRows(const QuantiseRowsArgs& args, Stream stream);

}  // namespace t3::kernels
