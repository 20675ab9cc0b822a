// Bias and residual: checks, reference, dispatch.
#include "ops/feature_map/add_map.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "ops/dispatch.h"
#include "ops/feature_map/add_map_impl.h"
#include "ops/feature_map/feature_map.h"

namespace t3 {
namespace {

void AddMapReference(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x) {
  ForEachBand(y.size(0), 0, y.size(1), y.size(2) * y.size(3),
              [&](int64_t t, int64_t row, int64_t count) {
                const at::Tensor band = y[t].narrow(0, row, count);
                const at::ScalarType compute = ComputeType(y);
                band.copy_(band.to(compute) + (x[t].narrow(0, row, count).to(compute) + bias));
              });
}

}  // namespace

void AddMap(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x) {
  CheckMap(x, "AddMap");
  CheckOverwritten(y, "AddMap");
  T3_CHECK(y.sizes() == x.sizes() && y.scalar_type() == x.scalar_type(),
           "AddMap: x ({}) does not match y ({})", fmt::join(x.sizes(), ", "),
           fmt::join(y.sizes(), ", "));
  if (SupportsMapKernel(x) && SupportsMapKernel(y)) {
    AddMapCuda(y, bias, x);
  } else {
    AddMapReference(y, bias, x);
  }
}

}  // namespace t3
