// LayerNorm with a modulation, and the gated residual: the elementwise chains of a block.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// A vector of C channels for every token, of which few differ: image to video has clean tokens at
// timestep 0 in front of the noisy ones, a training batch one timestep a sample. Never one vector
// per token in memory.
struct TokenVectors {
  at::Tensor rows;    // (K, C), fp32 (fp64 in gradient checks), contiguous
  int64_t split = 0;  // K <= 2: tokens [0, split) take rows[0], the others the last row
  int64_t each = 0;   // > 0: every row serves `each` tokens in turn, K * each in all

  // The same for tokens [first, first + count); all of them where `each` is set.
  TokenVectors Slice(int64_t first, int64_t count) const;
};

// Settings of LayerNormModulate that are no tensors.
struct LayerNormOptions {
  double eps = 1e-6;
  at::ScalarType out = at::kFloat;  // dtype of the result
};

// ((x - mean) / sqrt(var + eps)) * multiplier + shift over the last dimension, biased variance,
// in fp32 with one rounding at the end. x (N, C); multiplier (for modulation: 1 + scale) and shift
// share their split and each. Returns (N, C) in options.out.
at::Tensor LayerNormModulate(const at::Tensor& x, const TokenVectors& multiplier,
                             const TokenVectors& shift, const LayerNormOptions& options);

// x + gate * y, in fp32 with one rounding. x, y (N, C). With gradients on, `x` becomes the new
// tensor; with gradients off its memory is overwritten.
void AddGated(at::Tensor& x, const at::Tensor& y, const TokenVectors& gate);
// x + y, likewise.
void AddResidual(at::Tensor& x, const at::Tensor& y);

}  // namespace t3
