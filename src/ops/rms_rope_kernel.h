// How ops call the kernels of kernels/rms_rope.h.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/rms_rope.h"
#include "ops/rope.h"

namespace t3 {

// x (N, C) that KernelTakes -> (N) fp32, 1 / sqrt(mean(x^2) + eps).
at::Tensor InverseRms(const at::Tensor& x, double eps);

// The tables' pointers; no rotation for nullptr. The tables must outlive the launch.
kernels::RopeArgs RopeArgsOf(const RopeTables* rope);

// As RmsNormRope, without checks and gradient, for x that KernelTakes; out (N, C), rows may be
// strided, may be x.
void RmsNormRopeInto(const at::Tensor& out, const at::Tensor& x, const at::Tensor& weight,
                     double eps, int64_t heads, const RopeTables* rope);
// The same in a new tensor.
at::Tensor RmsNormRopeKernel(const at::Tensor& x, const at::Tensor& weight, double eps,
                             int64_t heads, const RopeTables* rope);

}  // namespace t3
