// The implementations behind modulate.h besides the reference. They do not check shapes.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/layer_norm.h"
#include "ops/modulate/token_vectors.h"

namespace t3 {

struct LayerNormOptions;

// modulate.cc: throws Error unless the vectors fit x and share boundary and tokens_per_row.
void CheckModulation(const at::Tensor& x, const TokenVectors& multiplier,
                     const TokenVectors& shift);

// modulate_cuda.cc: no gradient. x SupportsVectorAccess.
bool SupportsLayerNormCuda(const at::Tensor& x, const LayerNormOptions& options);
at::Tensor LayerNormModulateCuda(const at::Tensor& x, const TokenVectors& multiplier,
                                 const TokenVectors& shift, const LayerNormOptions& options);
// Of an output in x's dtype. The tensors must outlive the launch.
kernels::LayerNormModulateArgs LayerNormArgsOf(const at::Tensor& x, const TokenVectors& multiplier,
                                               const TokenVectors& shift, double eps, void* out);
// x + gate * y into `out`, of x's strides; it may be x.
void AddGatedCuda(const at::Tensor& x, const at::Tensor& y, const TokenVectors& gate,
                  const at::Tensor& out);

// modulate_autograd.cc: one kernel forward and one backward, instead of many passes in fp32 under
// autograd; differentiable in tokens and vectors. x SupportsVectorAccess, and every row of
// `vectors` serves equally many tokens.
bool SupportsModulateAutograd(const at::Tensor& x, const TokenVectors& vectors);
at::Tensor LayerNormModulateAutograd(const at::Tensor& x, const TokenVectors& multiplier,
                                     const TokenVectors& shift, const LayerNormOptions& options);
at::Tensor AddGatedAutograd(const at::Tensor& x, const at::Tensor& y, const TokenVectors& gate);

}  // namespace t3
