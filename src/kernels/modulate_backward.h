// The gradients of LayerNorm with a modulation and of the gated residual on the GPU
// (ops/modulate.h defines them).
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

// Tokens (rows * each, channels), contiguous; vector r serves `each` of them in turn. Its gradient
// is the sum of `blocks` shares, (rows, blocks, channels) in memory.
struct TokenRows {
  DType type;
  int64_t each;
  int64_t rows;
  int64_t channels;
  int64_t blocks;
};
constexpr int64_t kModulateBackwardMostVectors = 128;  // 16-byte vectors of a token's channels
constexpr int64_t kModulateBackwardMostRows = 65535;   // a grid's second dimension ends there

// y = n * multiplier + shift with n = (x - mean) / sqrt(var + eps).
struct LayerNormModulateBackwardArgs {
  TokenRows tokens;
  const void* x;
  const void* dy;
  DType dy_type;  // that of x, or fp32
  void* dx;
  const float* multiplier;  // (rows, channels)
  float* multiplier_shares;
  float* shift_shares;
  float eps;
};
void LayerNormModulateBackward(const LayerNormModulateBackwardArgs& args, Stream stream);

// out = x + gate * y; `d` is the gradient of out, and so of x.
struct AddGatedBackwardArgs {
  TokenRows tokens;
  const void* d;
  const void* y;
  void* dy;
  const float* gate;  // (rows, channels)
  float* gate_shares;
};
void AddGatedBackward(const AddGatedBackwardArgs& args, Stream stream);

}  // namespace t3::kernels
