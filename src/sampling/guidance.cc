// Guidance over ATen.
#include "sampling/guidance.h"

#include <ATen/ATen.h>

namespace t3 {

at::Tensor Guide(const at::Tensor& conditional, const at::Tensor& unconditional, double guidance) {
  return unconditional + (conditional - unconditional) * guidance;
}

}  // namespace t3
