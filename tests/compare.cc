// The distance that parity tests judge by.
#include "compare.h"

#include <ATen/ATen.h>

#include <limits>

namespace t3 {

double RelativeL2(const at::Tensor& got, const at::Tensor& want) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  if (!got.defined() || !want.defined() || got.sizes() != want.sizes() || want.numel() == 0) {
    return kFar;
  }
  const at::Tensor a = got.to(at::kCPU, at::kDouble);
  const at::Tensor b = want.to(at::kCPU, at::kDouble);
  if (!a.isfinite().all().item<bool>() || !b.isfinite().all().item<bool>()) return kFar;
  const double scale = b.norm().item<double>();
  return scale > 0 ? (a - b).norm().item<double>() / scale : kFar;
}

}  // namespace t3
