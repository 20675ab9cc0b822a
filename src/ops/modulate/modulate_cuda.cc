// Tensors to the arguments of kernels/layer_norm.h and kernels/add_gated.h.
#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "base/check.h"
#include "kernels/add_gated.h"
#include "kernels/layer_norm.h"
#include "ops/dispatch.h"
#include "ops/modulate/modulate.h"
#include "ops/modulate/modulate_impl.h"

namespace t3 {
namespace {

const float* VectorData(const TokenVectors& vectors) {
  T3_CHECK(vectors.rows.scalar_type() == at::kFloat && vectors.rows.is_contiguous(),
           "modulation vectors must be contiguous fp32, not {}",
           c10::toString(vectors.rows.scalar_type()));
  return vectors.rows.const_data_ptr<float>();
}

kernels::VectorRows VectorRowsOf(const TokenVectors& vectors) {
  return {vectors.boundary, vectors.rows.size(0) - 1, vectors.tokens_per_row};
}

}  // namespace

bool SupportsLayerNormCuda(const at::Tensor& x, const LayerNormOptions& options) {
  return SupportsVectorAccess(x) && x.size(1) <= kernels::kLayerNormMaxChannels &&
         (options.out == x.scalar_type() || options.out == at::kFloat);
}

kernels::LayerNormModulateArgs LayerNormArgsOf(const at::Tensor& x, const TokenVectors& multiplier,
                                               const TokenVectors& shift, double eps, void* out) {
  return {.x = x.const_data_ptr(),
          .out = out,
          .x_type = DTypeOf(x),
          .out_type = DTypeOf(x),
          .x_stride = x.stride(0),
          .tokens = x.size(0),
          .channels = x.size(1),
          .multiplier = VectorData(multiplier),
          .shift = VectorData(shift),
          .rows = VectorRowsOf(multiplier),
          .eps = static_cast<float>(eps)};
}

at::Tensor LayerNormModulateCuda(const at::Tensor& x, const TokenVectors& multiplier,
                                 const TokenVectors& shift, const LayerNormOptions& options) {
  const at::Tensor out = at::empty(x.sizes(), x.options().dtype(options.out));
  kernels::LayerNormModulateArgs args =
      LayerNormArgsOf(x, multiplier, shift, options.eps, out.mutable_data_ptr());
  args.out_type = DTypeOf(out);
  const c10::DeviceGuard guard(x.device());
  kernels::LaunchLayerNormModulate(args, CurrentStream(x));
  return out;
}

void AddGatedCuda(const at::Tensor& x, const at::Tensor& y, const TokenVectors& gate,
                  const at::Tensor& out) {
  const kernels::AddGatedArgs args{.x = x.const_data_ptr(),
                                   .y = y.const_data_ptr(),
                                   .out = out.mutable_data_ptr(),
                                   .type = DTypeOf(x),
                                   .x_stride = x.stride(0),
                                   .y_stride = y.stride(0),
                                   .tokens = x.size(0),
                                   .channels = x.size(1),
                                   .gate = VectorData(gate),
                                   .rows = VectorRowsOf(gate)};
  const c10::DeviceGuard guard(x.device());
  kernels::LaunchAddGated(args, CurrentStream(x));
}

}  // namespace t3
