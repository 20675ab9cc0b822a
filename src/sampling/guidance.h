// Classifier-free guidance.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// Velocities of equal shape and dtype -> unconditional + guidance * (conditional - unconditional),
// rounded to their dtype after each operation, as the published code does.
at::Tensor Guide(const at::Tensor& conditional, const at::Tensor& unconditional, double guidance);

}  // namespace t3
