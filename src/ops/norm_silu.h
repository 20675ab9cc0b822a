// The VAE's norm + SiLU with a gradient, for training. ops/feature_map.h has it for inference.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// n = x / max(|x|, 1e-12) * gamma, |x| the L2 norm over the last dimension, then n * sigmoid(n) if
// `silu`: x (...,C), gamma (C) fp32 or fp64 with sqrt(C) included, the result as x. In fp32 (fp64
// for fp64) with one rounding. On a GPU forward and backward are one kernel each.
at::Tensor NormSiluWithGradient(const at::Tensor& x, const at::Tensor& gamma, bool silu);

}  // namespace t3
