// Softmax of scores, row by row.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// softmax(x) over the last dimension of x (rows, columns), of x's type, in fp32 with one rounding.
// May overwrite x where gradients are off: on a GPU, long rows in bf16 stay in place and are read
// once (kernels/softmax.h), where libtorch reads them three times.
at::Tensor SoftmaxRows(const at::Tensor& x);

}  // namespace t3
