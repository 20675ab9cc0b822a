// Scales beside weights stored in fp8 or int8.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/naming.h"
#include "arch/tensor_spec.h"

namespace t3 {

// On each axis, how many factors a scale of shape `scale` has for a weight of shape `weight`: 1, or
// one per row (out), or on every axis a number that divides the weight's size, as one per column
// (1, in) and one per block (out / 128, in / 128). nullopt if it does not fit.
std::optional<std::vector<int64_t>> ScaleShape(const std::vector<int64_t>& scale,
                                               const std::vector<int64_t>& weight);

// weight *= scale, in place, each block by its factor. Both fp32, and `scale` fits.
void ApplyScale(const at::Tensor& scale, const at::Tensor& weight);

// Throws Error that names a scale of `views` that belongs to no tensor of `table`, does not fit it
// or is not floating-point.
void CheckScales(const NamedViews& views, const TensorTable& table, const std::string& network);

}  // namespace t3
