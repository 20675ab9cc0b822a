// LayerNorm with a modulation, and the gated residual, on the GPU (ops/modulate.h defines them).
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

struct LayerNormModulateArgs {
  const void* x;  // (tokens, channels), x_stride between rows
  void* out;      // (tokens, channels), contiguous
  Element x_type;
  Element out_type;  // that of x, or fp32
  int64_t x_stride;
  int64_t tokens;
  int64_t channels;
  // (1 or 2, channels) fp32: tokens [0, split) take row 0, the others row `last_row`.
  const float* multiplier;
  const float* shift;
  int64_t split;
  int64_t last_row;
  float eps;
};
constexpr int64_t kLayerNormMaxChannels = 8192;
void LayerNormModulate(const LayerNormModulateArgs& args, Stream stream);

struct AddGatedArgs {
  void* x;        // (tokens, channels), overwritten
  const void* y;  // the same shape and type
  Element type;
  int64_t x_stride;
  int64_t y_stride;
  int64_t tokens;
  int64_t channels;
  const float* gate;  // (1 or 2, channels) fp32, as above
  int64_t split;
  int64_t last_row;
};
void AddGated(const AddGatedArgs& args, Stream stream);

}  // namespace t3::kernels
