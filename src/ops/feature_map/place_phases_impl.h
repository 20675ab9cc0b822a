// The implementation behind place_phases.h besides the reference (place_phases_cuda.cc).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

struct PhaseShortcut;

void PlacePhasesCuda(const at::Tensor& phases, const at::Tensor& bias,
                     const PhaseShortcut& shortcut, int64_t first_row, const at::Tensor& out);

}  // namespace t3
