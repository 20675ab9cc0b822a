// LayerNorm with a modulation and the gated residual for training: one kernel forward, one
// backward, in place of the many passes in fp32 of the plain definitions (ops/modulate.cc) under
// autograd.
#pragma once

#include "ops/modulate.h"

namespace t3 {

// Whether the nodes take tokens of x's width with such vectors: rows that serve equally many tokens
// each, in turn.
bool ModulateNodeTakes(const at::Tensor& x, const TokenVectors& vectors);

// As LayerNormModulate and AddGated, differentiable in tokens and vectors. x and y FitsKernels.
at::Tensor LayerNormModulateWithNode(const at::Tensor& x, const TokenVectors& multiplier,
                                     const TokenVectors& shift, const LayerNormOptions& options);
at::Tensor AddGatedWithNode(const at::Tensor& x, const at::Tensor& y, const TokenVectors& gate);

}  // namespace t3
