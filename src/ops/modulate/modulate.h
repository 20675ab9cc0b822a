// LayerNorm with a modulation, and the gated residual: the elementwise chains of a block.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/execution_mode.h"
#include "ops/modulate/token_vectors.h"

namespace t3 {

struct LayerNormOptions {
  double eps = 1e-6;
  at::ScalarType out = at::kFloat;  // dtype of the result
};

// ((x - mean) / sqrt(var + eps)) * multiplier + shift over the last dimension, biased variance, in
// fp32 with one rounding at the end. x (N, C); multiplier (for modulation: 1 + scale) and shift
// share their boundary and tokens_per_row. Returns (N, C) in options.out, a new tensor in either
// mode. Throws Error if shapes do not match.
at::Tensor LayerNormModulate(const at::Tensor& x, const TokenVectors& multiplier,
                             const TokenVectors& shift, const LayerNormOptions& options,
                             ExecutionMode mode);

// x += gate * y, in fp32 with one rounding. x, y (N, C). In place, x's memory is overwritten;
// differentiable, `x` becomes a new tensor. Throws Error if shapes do not match.
void AddGated(at::Tensor& x, const at::Tensor& y, const TokenVectors& gate, ExecutionMode mode);
// x += y, likewise.
void AddResidual(at::Tensor& x, const at::Tensor& y, ExecutionMode mode);

}  // namespace t3
