// Softmax of scores, row by row.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// softmax(x) over the last dimension of x (rows, columns), in x's dtype, computed in fp32 with one
// rounding. x is scratch unless it needs a gradient: on a GPU, long rows in bf16 are overwritten
// after a single read (kernels/softmax.h), where libtorch reads them three times.
at::Tensor SoftmaxRows(const at::Tensor& x);

}  // namespace t3
