// Rows of a tensor in another order, with a gradient that is a gather as well.
#pragma once

#include <ATen/Tensor.h>

namespace t3 {

// x (N, ...), order and inverse (N), integers, permutations of 0..N-1 with inverse[order[i]] = i.
// Returns x[order]. index_select does the same, but its gradient adds into zeros with atomics,
// since it cannot know that no row comes twice; this one reads d[inverse].
at::Tensor PermuteRows(const at::Tensor& x, const at::Tensor& order, const at::Tensor& inverse);

}  // namespace t3
