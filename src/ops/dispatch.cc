// Choice between kernel and plain definition.
#include "ops/dispatch.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace t3 {

at::ScalarType ComputeType(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

bool GradientsOn() { return c10::GradMode::is_enabled(); }

bool KernelTakes(const at::Tensor& x) {
  return x.is_cuda() && !GradientsOn() && x.stride(-1) == 1 &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

}  // namespace t3
