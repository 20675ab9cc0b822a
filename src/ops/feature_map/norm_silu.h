// The VAE's channel norm + SiLU, for inference and for training.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// y = x + bias; with gamma y = y / max(|y|, 1e-12) * gamma, |y| the L2 norm over the channels, then
// y * sigmoid(y) if `silu`. In fp32 with one rounding.
struct NormSiluOptions {
  at::Tensor bias;   // (C) fp32, or undefined: none
  at::Tensor gamma;  // (C) fp32, sqrt(C) included, or undefined: x + bias alone
  bool silu = true;
};

// Row r of `out` (T,R',W,C), contiguous, becomes y of row r + first_row of x (T,R,W,C), or zero if
// x has no such row: the input of a convolution, padded at the frame's edges. No gradient. Throws
// Error if shapes do not match.
void NormSilu(const at::Tensor& x, const NormSiluOptions& options, int64_t first_row,
              const at::Tensor& out);

// The formula: n = x / max(|x|, 1e-12) * gamma, |x| the L2 norm over the last dimension, then
// n * sigmoid(n) if `silu`. x (...,C), gamma (C) with sqrt(C) included and the result are fp32 or
// fp64.
at::Tensor NormSiluFormula(const at::Tensor& x, const at::Tensor& gamma, bool silu);

// The same for x of any dtype, with a gradient: in fp32 (fp64 for fp64) with one rounding. On a GPU
// forward and backward are one kernel each.
at::Tensor NormSiluWithGradient(const at::Tensor& x, const at::Tensor& gamma, bool silu);

}  // namespace t3
