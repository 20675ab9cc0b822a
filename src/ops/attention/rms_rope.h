// RMSNorm over all channels, then RoPE by head: what q and k go through before attention.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/attention/rope.h"
#include "ops/execution_mode.h"

namespace t3 {

// rope(x / sqrt(mean(x^2) + eps) * weight), in fp32 with one rounding to x's dtype at the end.
// x (N, C) in token order, rows may be strided; weight (C) fp32. `rope` may be nullptr (no
// rotation), or for fewer tokens, by which N is divisible: then x holds that many videos one after
// the other. Returns (N, heads, C / heads), a new tensor in either mode. Throws Error if shapes do
// not match.
// `inverse` (N) fp32: 1 / sqrt(mean(x^2) + eps) of rows of which x has only some heads; undefined:
// x has them all.
at::Tensor RmsNormRope(const at::Tensor& x, const at::Tensor& weight, double eps, int64_t heads,
                       const RopeTables* rope, ExecutionMode mode, const at::Tensor& inverse = {});

// That `inverse` (N) of rows whose channels are in equal parts, x (parts, N, C / parts); rows may
// be strided. Without gradients.
at::Tensor InverseRmsOfParts(const at::Tensor& x, double eps);

}  // namespace t3
