// Nearest x2 and a 3x3 convolution as one 2x2 convolution.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// weight (out,in,3,3) -> (4*out,in,2,2): on the small grid, padded by one on each side, phase 2p+q
// of row parity p and column parity q of the doubled map (ops/feature_map/place_phases.h). Weights
// of rows and columns that nearest repeats are summed in fp32, so 4 products replace 9: equal up to
// the rounding of those sums. On a GPU channels-last.
at::Tensor PhaseWeight(const at::Tensor& weight);

}  // namespace t3
