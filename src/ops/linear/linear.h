// Linear layers fused with what follows them: GELU, or a gated sum into the residual stream.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/execution_mode.h"
#include "ops/linear/linear_input.h"
#include "ops/linear/linear_weights.h"
#include "ops/modulate/token_vectors.h"

namespace t3 {

// Layers with e4m3 weights (linear_weights.h) multiply codes and accumulate in fp32; scales and
// bias follow, and one rounding to the bias's dtype. They quantise an input that is not codes yet,
// and throw Error where a gradient is needed.

// x W^T + b; the bias may be undefined. x (..., in) -> (..., out). Differentiable.
at::Tensor ApplyLinear(const LinearInput& x, const LinearWeights& layer);

// out = x W^T + b. x (N, in), rows may be strided; out (N, out), likewise, is overwritten. Without
// a gradient.
void LinearInto(const at::Tensor& out, const LinearInput& x, const LinearWeights& layer);

// gelu(x W^T + b), tanh approximation. (N, in) -> (N, out), new tensors in either mode; as codes if
// `reader`, the layer that follows, has e4m3 weights.
LinearInput LinearGelu(const LinearInput& x, const LinearWeights& layer,
                       const LinearWeights& reader, ExecutionMode mode);

// x += gate * (y W^T + b). x (N, out), y (N, in). In place, x's memory is overwritten;
// differentiable, `x` becomes a new tensor.
//
// In place on a GPU in bf16 the gate is multiplied into the weights, which are small, and the
// product's epilogue adds to x: W' = gate W and b' = gate b are rounded once to bf16 where the
// reference rounds the product, and two passes over the tokens are saved. Of e4m3 weights the gate
// multiplies the scales, which are not rounded.
void AddGatedLinear(at::Tensor& x, const LinearInput& y, const LinearWeights& layer,
                    const TokenVectors& gate, ExecutionMode mode);
// x += y W^T + b, likewise.
void AddLinear(at::Tensor& x, const LinearInput& y, const LinearWeights& layer, ExecutionMode mode);

// LayerNormModulate (modulate/modulate.h) as `reader` takes it: in x's dtype, or as codes.
LinearInput LayerNormFor(const LinearWeights& reader, const at::Tensor& x,
                         const TokenVectors& multiplier, const TokenVectors& shift, double eps,
                         ExecutionMode mode);

// All throw Error if shapes do not match.

}  // namespace t3
