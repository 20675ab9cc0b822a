// How far a tensor is from what it should be.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// |got - want| / |want| over all elements, in float64. Infinity when the shapes differ, a value of
// either is NaN or infinite, or `want` is empty or zero: a broken fixture must not pass.
double RelativeL2(const at::Tensor& got, const at::Tensor& want);

}  // namespace t3
