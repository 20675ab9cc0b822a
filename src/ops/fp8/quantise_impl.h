// The kernels behind quantise.h. They do not check shapes.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/linear/linear_input.h"
#include "ops/modulate/token_vectors.h"

namespace t3 {

// quantise_cuda.cc: bf16 rows of whole 16-byte vectors on a GPU.
bool SupportsQuantiseRowsCuda(const at::Tensor& x);
LinearInput QuantiseRowsCuda(const at::Tensor& x, bool gelu);

bool SupportsLayerNormRowsCuda(const at::Tensor& x, const TokenVectors& vectors);
LinearInput LayerNormModulateRowsCuda(const at::Tensor& x, const TokenVectors& multiplier,
                                      const TokenVectors& shift, double eps);

}  // namespace t3
