// Scales of weights stored as ComfyUI's scaled fp8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/naming.h"
#include "arch/tensor_spec.h"

namespace t3 {

// The shape in which a weight's scale multiplies it: one number, one per row (out) or (out, 1,
// ...), or any shape that has the weight's size or 1 on every axis, such as one per column (1, in).
// nullopt if it does not fit.
std::optional<std::vector<int64_t>> ScaleShape(const TensorView& scale,
                                               const std::vector<int64_t>& weight);

// Throws Error that names a scale of `views` that belongs to no tensor of `table`, does not fit it
// or is not floating-point.
void CheckScales(const NamedViews& views, const TensorTable& table, const std::string& network);

}  // namespace t3
