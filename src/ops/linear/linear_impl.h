// The implementations behind linear.h besides the reference. They do not check shapes.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/linear/linear_input.h"
#include "ops/linear/linear_weights.h"

namespace t3 {

struct LinearEpilogue {
  bool gelu = false;
  bool add = false;  // to what `out` holds
};

// linear_cuda.cc: on a GPU in bf16, or codes and e4m3 weights on one of capability 9.0; rows of
// whole 16-byte vectors; no gradient.
bool SupportsLinearCuda(const LinearInput& x, const LinearWeights& layer);
// out = act(x W^T + b) or out += x W^T + b, by cuBLASLt's fastest algorithm (linear_tuning.h).
// `out` SupportsVectorAccess.
void LinearCuda(const at::Tensor& out, const LinearInput& x, const LinearWeights& layer,
                const LinearEpilogue& epilogue);

// linear_fp8.cc: x W^T + b of codes and e4m3 weights. (N, in) -> (N, out) in the bias's dtype.
at::Tensor LinearFp8Reference(const LinearInput& x, const LinearWeights& layer);
// By libtorch, whose kernel for GPUs other than Hopper is CUTLASS's: capability 8.9 or later.
bool SupportsLinearFp8Libtorch(const LinearInput& x, const LinearWeights& layer);
at::Tensor LinearFp8Libtorch(const LinearInput& x, const LinearWeights& layer);

// linear_autograd.cc: many rows on a GPU, with a bias.
bool SupportsLinearAutograd(const at::Tensor& x, const LinearWeights& layer);
// at::linear but for the bias's gradient: libtorch sums a tall matrix's columns at a tenth of the
// memory bandwidth (9.9 of the 50 ms of a small model's step); here blocks of rows are summed
// separately, in fp32, then their sums.
at::Tensor LinearAutograd(const at::Tensor& x, const LinearWeights& layer);

}  // namespace t3
