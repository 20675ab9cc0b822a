// The implementations behind norm_silu.h besides the reference.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

struct NormSiluOptions;

// norm_silu_cuda.cc: no gradient.
bool SupportsNormSiluCuda(const at::Tensor& x, const at::Tensor& out);
void NormSiluCuda(const at::Tensor& x, const NormSiluOptions& options, int64_t first_row,
                  const at::Tensor& out);

// norm_silu_autograd.cc: x (...,C).
bool SupportsNormSiluAutograd(const at::Tensor& x, const at::Tensor& gamma);
at::Tensor NormSiluAutograd(const at::Tensor& x, const at::Tensor& gamma, bool silu);

}  // namespace t3
