// How ops call the kernels of kernels/modulate.h: no checks, no gradient.
#pragma once

#include "ops/modulate.h"

namespace t3 {

bool LayerNormKernelTakes(const at::Tensor& x, const LayerNormOptions& options);

// As LayerNormModulate.
at::Tensor LayerNormModulateKernel(const at::Tensor& x, const TokenVectors& multiplier,
                                   const TokenVectors& shift, const LayerNormOptions& options);
// x + gate * y into `out`, of x's strides; it may be x.
void AddGatedKernel(const at::Tensor& x, const at::Tensor& y, const TokenVectors& gate,
                    const at::Tensor& out);

}  // namespace t3
