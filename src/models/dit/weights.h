// Weights as the denoiser wants them: some in fp32 whatever the file has, some packed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nn/linear.h"

namespace t3 {

// Whether Dit keeps the tensor with this original name in fp32 whatever its compute type is (the
// callers of FloatTensor and FloatLinear); a loader that does so too spares it a rounding.
bool IsFloatTensor(std::string_view name);

// The tensor in fp32 (fp64 stays).
at::Tensor FloatTensor(const TensorMap& tensors, const std::string& name);
// The Linear in fp32, for layers so small that exactness costs nothing.
Linear FloatLinear(const TensorMap& tensors, const std::string& prefix);
// Linears of one input as one with the outputs side by side.
Linear Concatenate(const std::vector<Linear>& linears);

}  // namespace t3
