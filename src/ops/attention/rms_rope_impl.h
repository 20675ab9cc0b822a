// The implementations behind rms_rope.h besides the reference. They do not check shapes;
// x SupportsVectorAccess.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/rope.h"
#include "ops/attention/rope.h"

namespace t3 {

// rms_rope_cuda.cc: no gradient.
// (N, C) -> (N) fp32, 1 / sqrt(mean(x^2) + eps).
at::Tensor InverseRms(const at::Tensor& x, double eps);
// (parts, N, C / parts) -> (N), likewise; each part SupportsVectorAccess.
at::Tensor InverseRmsOfPartsCuda(const at::Tensor& x, double eps);
// The tables' pointers; no rotation for nullptr. The tables must outlive the launch.
kernels::RopeArgs RopeArgsOf(const RopeTables* rope);
// Into out (N, C), whose rows may be strided; it may be x. `inverse` as in rms_rope.h.
void RmsNormRopeInto(const at::Tensor& out, const at::Tensor& x, const at::Tensor& weight,
                     double eps, int64_t heads, const RopeTables* rope,
                     const at::Tensor& inverse = {});
// (N, C) -> (N, C).
at::Tensor RmsNormRopeCuda(const at::Tensor& x, const at::Tensor& weight, double eps, int64_t heads,
                           const RopeTables* rope, const at::Tensor& inverse = {});

// rms_rope_autograd.cc: one kernel backward instead of many passes in fp32 under autograd;
// differentiable in x and weight. (N, C) -> (N, C), for rows that are narrow enough.
bool SupportsRmsRopeAutograd(const at::Tensor& x);
at::Tensor RmsNormRopeAutograd(const at::Tensor& x, const at::Tensor& weight, double eps,
                               int64_t heads, const RopeTables* rope);

}  // namespace t3
