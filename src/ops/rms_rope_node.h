// RMSNorm and RoPE for training: one kernel backward in place of the plain definition's many passes
// in fp32 under autograd.
#pragma once

#include "ops/rope.h"

namespace t3 {

bool RmsRopeNodeTakes(const at::Tensor& x);  // that FitsKernels: whether it is narrow enough

// As RmsNormRope, differentiable in x and weight; (N, C).
at::Tensor RmsNormRopeWithNode(const at::Tensor& x, const at::Tensor& weight, double eps,
                               int64_t heads, const RopeTables* rope);

}  // namespace t3
