// Bias, residual and ReLU: checks, reference, dispatch.
#include "ops/feature_map/bias_relu.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "ops/dispatch.h"
#include "ops/feature_map/bias_relu_impl.h"
#include "ops/feature_map/feature_map.h"

namespace t3 {
namespace {

void BiasReluReference(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x,
                       const at::Tensor& out) {
  const at::ScalarType compute = ComputeType(y);
  ForEachBand(y.size(0), 0, y.size(1), y.size(2) * y.size(3),
              [&](int64_t t, int64_t row, int64_t count) {
                at::Tensor sum = y[t].narrow(0, row, count).to(compute);
                if (bias.defined()) sum = sum + bias;
                if (x.defined()) sum = sum + x[t].narrow(0, row, count).to(compute);
                out[t].narrow(0, row, count).copy_(sum.clamp_min(0));
              });
}

void CheckLike(const at::Tensor& y, const at::Tensor& other, const char* what) {
  T3_CHECK(
      other.sizes() == y.sizes() && other.scalar_type() == y.scalar_type() && other.is_contiguous(),
      "BiasRelu: {} ({}) does not match y ({})", what, fmt::join(other.sizes(), ", "),
      fmt::join(y.sizes(), ", "));
}

}  // namespace

void BiasRelu(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x,
              const at::Tensor& out) {
  CheckMap(y, "BiasRelu");
  CheckOverwritten(out, "BiasRelu");
  CheckLike(y, y, "y");
  CheckLike(y, out, "the output");
  if (x.defined()) CheckMap(x, "BiasRelu"), CheckLike(y, x, "x");
  if (SupportsMapKernel(y) && SupportsMapKernel(out) && (!x.defined() || SupportsMapKernel(x))) {
    BiasReluCuda(y, bias, x, out);
  } else {
    BiasReluReference(y, bias, x, out);
  }
}

}  // namespace t3
