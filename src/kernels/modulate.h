// LayerNorm with a modulation, and the gated residual, on the GPU (ops/modulate.h defines them).
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

// Which of the vectors a token takes: with `each` > 0 row token / each, else row 0 for tokens
// [0, split) and row `last_row` for the others.
struct RowChoice {
  int64_t split = 0;
  int64_t last_row = 0;
  int64_t each = 0;
};

struct LayerNormModulateArgs {
  const void* x;  // (tokens, channels), x_stride between rows
  void* out;      // (tokens, channels), contiguous
  DType x_type;
  DType out_type;  // that of x, or fp32
  int64_t x_stride;
  int64_t tokens;
  int64_t channels;
  const float* multiplier;  // (rows, channels) fp32
  const float* shift;
  RowChoice rows;
  float eps;
};
constexpr int64_t kLayerNormMaxChannels = 8192;
void LayerNormModulate(const LayerNormModulateArgs& args, Stream stream);

struct AddGatedArgs {
  const void* x;  // (tokens, channels)
  const void* y;  // the same shape and type
  void* out;      // likewise, rows as far apart as those of x; may be x
  DType type;
  int64_t x_stride;
  int64_t y_stride;
  int64_t tokens;
  int64_t channels;
  const float* gate;  // (rows, channels) fp32
  RowChoice rows;
};
void AddGated(const AddGatedArgs& args, Stream stream);

}  // namespace t3::kernels
