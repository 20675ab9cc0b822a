// Linear layers with what comes right after them: GELU, or a gated sum into the residual stream.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/modulate.h"

namespace t3 {

// A view of a layer's weights: (out, in) and (out), one dtype.
struct LinearWeights {
  const at::Tensor& weight;
  const at::Tensor& bias;
};

// x W^T + b; the bias may be undefined. x (..., in) -> (..., out). Differentiable.
at::Tensor ApplyLinear(const at::Tensor& x, const LinearWeights& layer);

// out = x W^T + b. x (N, in), rows may be strided; out (N, out), likewise, is overwritten. For use
// with gradients off.
void LinearInto(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer);

// gelu(x W^T + b), tanh approximation. (N, in) -> (N, out). Differentiable.
at::Tensor LinearGelu(const at::Tensor& x, const LinearWeights& layer);

// x + gate * (y W^T + b), an undefined gate is 1. x (N, out), y (N, in). With gradients on `x`
// becomes the new tensor; with gradients off its memory is overwritten.
//
// On a GPU in bf16 the gate is multiplied into the weights, which are small, and the sum is the
// product's own: W' = gate W and b' = gate b are rounded once to bf16 where the plain definition
// rounds the product, and two passes over the tokens are saved.
void AddGatedLinear(at::Tensor& x, const at::Tensor& y, const LinearWeights& layer,
                    const TokenVectors& gate);
void AddLinear(at::Tensor& x, const at::Tensor& y, const LinearWeights& layer);

}  // namespace t3
