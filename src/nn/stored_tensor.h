// Stored tensors as libtorch's.
#pragma once

#include <ATen/core/Tensor.h>

#include "weights/types.h"

namespace t3 {

// torch's dtype for a stored one: fp32 for quantised ones, whose values it holds exactly. The
// inverse throws Error for dtypes that files do not have.
at::ScalarType ToScalarType(DType dtype);
DType ToDType(at::ScalarType type);

// A stored tensor, any dtype, as a fresh CPU tensor of ToScalarType's dtype.
at::Tensor ToTensor(const TensorView& view);

// Copies the values of `view` to `result`: contiguous, of as many elements, any device and dtype.
// Beside the two it needs memory for one chunk of 64 MiB.
void CopyStored(const TensorView& view, const at::Tensor& result);

// The values as a fresh tensor.
at::Tensor LoadStored(const TensorView& view, c10::Device device, at::ScalarType dtype);

}  // namespace t3
