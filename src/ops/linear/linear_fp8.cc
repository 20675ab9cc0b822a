// Products of e4m3 codes: the reference, and libtorch's.
#include <ATen/ATen.h>

#include "ops/fp8/quantise.h"
#include "ops/linear/linear_impl.h"

namespace t3 {

at::Tensor LinearFp8Reference(const LinearInput& x, const LinearWeights& layer) {
  const at::Tensor sums = at::linear(x.values.to(at::kFloat), layer.weight.to(at::kFloat));
  const at::Tensor product = sums * x.scale.unsqueeze(1) * layer.scale;
  return (product + layer.bias).to(layer.bias.scalar_type());
}

bool SupportsLinearFp8Libtorch(const LinearInput& x, const LinearWeights& layer) {
  constexpr int64_t kMultiple = 16;  // of its sizes
  return MultipliesFp8(x.values.device()) && layer.bias.scalar_type() == at::kBFloat16 &&
         x.values.size(1) % kMultiple == 0 && layer.weight.size(0) % kMultiple == 0;
}

at::Tensor LinearFp8Libtorch(const LinearInput& x, const LinearWeights& layer) {
  return at::_scaled_mm(x.values.contiguous(), layer.weight.t(), x.scale.unsqueeze(1),
                        layer.scale.unsqueeze(0), layer.bias, {}, at::kBFloat16);
}

}  // namespace t3
