// How ops call the products of kernels/linear.h, and which of the library's algorithms they take.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/linear.h"

namespace t3 {

struct LinearEpilogue {
  bool gelu = false;
  bool add = false;  // to what `out` holds
};

// True on a GPU in bf16, with gradients off, for rows of whole 16-byte vectors.
bool LinearKernelTakes(const at::Tensor& x, const LinearWeights& layer);

// out = act(x W^T + b) or out += x W^T + b. The first product of a kind of sizes times the
// library's candidates on some rows of these very matrices and keeps the fastest.
void LinearKernel(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer,
                  const LinearEpilogue& epilogue);

// Products are timed on so many rows at most: more rows are the same work again.
inline constexpr int64_t kMaxTunedRows = 131'072;

// Off: the library's first guess is taken, so that equal runs give equal bits. On by default.
void SetLinearTuning(bool on);

}  // namespace t3
