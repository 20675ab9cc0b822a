// A linear layer for training on a GPU.
#pragma once

#include "ops/linear.h"

namespace t3 {

// True for many rows on a GPU with gradients on and a bias.
bool LinearNodeTakes(const at::Tensor& x, const LinearWeights& layer);

// at::linear, which is its definition, but for the bias's gradient: libtorch sums a tall matrix's
// columns at a tenth of the memory's rate (9.9 of the 50 ms of a small model's step); here blocks
// of rows are summed apart, in fp32, then their sums.
at::Tensor LinearWithNode(const at::Tensor& x, const LinearWeights& layer);

}  // namespace t3
