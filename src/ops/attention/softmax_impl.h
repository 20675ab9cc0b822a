// The implementation behind softmax.h besides the reference (softmax_cuda.cc).
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// Long rows in bf16 on a GPU, contiguous.
bool SupportsSoftmaxCuda(const at::Tensor& x);
void SoftmaxRowsCuda(const at::Tensor& x);  // in place

}  // namespace t3
