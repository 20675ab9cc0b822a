// Modulated LayerNorm on the GPU (reference: ops/modulate/modulate.cc).
#pragma once

#include "kernels/types.h"
#include "kernels/vector_rows.h"

namespace t3::kernels {

// out = (x - mean) / sqrt(var + eps) * multiplier + shift.
struct LayerNormModulateArgs {
  const void* x;  // (tokens, channels), x_stride between rows
  void* out;      // (tokens, channels), contiguous
  DType x_type;
  DType out_type;  // that of x, or fp32
  // (tokens), of x in bf16: then out is e4m3 codes, whose rows have these scales, and out_type does
  // not matter.
  float* out_scale = nullptr;
  int64_t x_stride;
  int64_t tokens;
  int64_t channels;
  const float* multiplier;  // (rows, channels) fp32
  const float* shift;
  VectorRows rows;
  float eps;
};
constexpr int64_t kLayerNormMaxChannels = 8192;
void LaunchLayerNormModulate(const LayerNormModulateArgs& args, Stream stream);

}  // namespace t3::kernels
