// The VAE's norm + SiLU with a gradient, for training. ops/feature_map.h has it for inference.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// The definition: n = x / max(|x|, 1e-12) * gamma, |x| the L2 norm over the last dimension, then
// n * sigmoid(n) if `silu`. x (...,C), gamma (C) with sqrt(C) included and the result are fp32 or
// fp64.
at::Tensor NormSiluFormula(const at::Tensor& x, const at::Tensor& gamma, bool silu);

// The same for x of any type: in fp32 (fp64 for fp64) with one rounding. On a GPU forward and
// backward are one kernel each.
at::Tensor NormSiluWithGradient(const at::Tensor& x, const at::Tensor& gamma, bool silu);

}  // namespace t3
