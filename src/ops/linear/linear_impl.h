// The implementations behind linear.h besides the reference. They do not check shapes.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/linear/linear_weights.h"

namespace t3 {

struct LinearEpilogue {
  bool gelu = false;
  bool add = false;  // to what `out` holds
};

// linear_cuda.cc: on a GPU in bf16, rows of whole 16-byte vectors; no gradient.
bool SupportsLinearCuda(const at::Tensor& x, const LinearWeights& layer);
// out = act(x W^T + b) or out += x W^T + b, by cuBLASLt's fastest algorithm (linear_tuning.h).
void LinearCuda(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer,
                const LinearEpilogue& epilogue);

// linear_autograd.cc: many rows on a GPU, with a bias.
bool SupportsLinearAutograd(const at::Tensor& x, const LinearWeights& layer);
// at::linear but for the bias's gradient: libtorch sums a tall matrix's columns at a tenth of the
// memory bandwidth (9.9 of the 50 ms of a small model's step); here blocks of rows are summed
// separately, in fp32, then their sums.
at::Tensor LinearAutograd(const at::Tensor& x, const LinearWeights& layer);

}  // namespace t3
