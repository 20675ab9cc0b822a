// How ops call the kernels of kernels/modulate.h.
#include "ops/modulate_kernel.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "base/check.h"
#include "kernels/modulate.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

const float* Rows(const TokenVectors& vectors) {
  T3_CHECK(vectors.rows.scalar_type() == at::kFloat && vectors.rows.is_contiguous(),
           "modulation vectors are contiguous fp32, not {}",
           c10::toString(vectors.rows.scalar_type()));
  return vectors.rows.const_data_ptr<float>();
}

kernels::RowChoice RowsOf(const TokenVectors& vectors) {
  return {vectors.split, vectors.rows.size(0) - 1, vectors.each};
}

}  // namespace

bool LayerNormKernelTakes(const at::Tensor& x, const LayerNormOptions& options) {
  return FitsKernels(x) && x.size(1) <= kernels::kLayerNormMaxChannels &&
         (options.out == x.scalar_type() || options.out == at::kFloat);
}

at::Tensor LayerNormModulateKernel(const at::Tensor& x, const TokenVectors& multiplier,
                                   const TokenVectors& shift, const LayerNormOptions& options) {
  const at::Tensor out = at::empty(x.sizes(), x.options().dtype(options.out));
  const kernels::LayerNormModulateArgs args{.x = x.const_data_ptr(),
                                            .out = out.mutable_data_ptr(),
                                            .x_type = DTypeOf(x),
                                            .out_type = DTypeOf(out),
                                            .x_stride = x.stride(0),
                                            .tokens = x.size(0),
                                            .channels = x.size(1),
                                            .multiplier = Rows(multiplier),
                                            .shift = Rows(shift),
                                            .rows = RowsOf(multiplier),
                                            .eps = static_cast<float>(options.eps)};
  const c10::DeviceGuard guard(x.device());
  kernels::LayerNormModulate(args, CurrentStream(x));
  return out;
}

void AddGatedKernel(const at::Tensor& x, const at::Tensor& y, const TokenVectors& gate,
                    const at::Tensor& out) {
  const kernels::AddGatedArgs args{.x = x.const_data_ptr(),
                                   .y = y.const_data_ptr(),
                                   .out = out.mutable_data_ptr(),
                                   .type = DTypeOf(x),
                                   .x_stride = x.stride(0),
                                   .y_stride = y.stride(0),
                                   .tokens = x.size(0),
                                   .channels = x.size(1),
                                   .gate = Rows(gate),
                                   .rows = RowsOf(gate)};
  const c10::DeviceGuard guard(x.device());
  kernels::AddGated(args, CurrentStream(x));
}

}  // namespace t3
