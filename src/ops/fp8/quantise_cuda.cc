// Tensors to the arguments of kernels/quantise_rows.h and kernels/layer_norm.h.
#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "kernels/layer_norm.h"
#include "kernels/quantise_rows.h"
#include "ops/dispatch.h"
#include "ops/fp8/quantise_impl.h"
#include "ops/modulate/modulate_impl.h"

namespace t3 {
namespace {

LinearInput EmptyRows(const at::Tensor& like) {
  return {at::empty(like.sizes(), like.options().dtype(at::kFloat8_e4m3fn)),
          at::empty({like.size(0)}, like.options().dtype(at::kFloat))};
}

bool SupportsFp8Rows(const at::Tensor& x, int64_t max_channels) {
  return SupportsVectorAccess(x) && x.scalar_type() == at::kBFloat16 && x.size(1) <= max_channels;
}

}  // namespace

bool SupportsQuantiseRowsCuda(const at::Tensor& x) {
  return SupportsFp8Rows(x, kernels::kQuantiseRowsMaxChannels);
}

LinearInput QuantiseRowsCuda(const at::Tensor& x, bool gelu) {
  LinearInput rows = EmptyRows(x);
  const kernels::QuantiseRowsArgs args{.x = x.const_data_ptr(),
                                       .x_stride = x.stride(0),
                                       .tokens = x.size(0),
                                       .channels = x.size(1),
                                       .gelu = gelu,
                                       .codes = rows.values.mutable_data_ptr(),
                                       .scale = rows.scale.mutable_data_ptr<float>()};
  const c10::DeviceGuard guard(x.device());
  kernels::LaunchQuantiseRows(args, CurrentStream(x));
  return rows;
}

bool SupportsLayerNormRowsCuda(const at::Tensor& x, const TokenVectors& vectors) {
  return SupportsFp8Rows(x, kernels::kLayerNormMaxChannels) && vectors.rows.is_contiguous() &&
         vectors.rows.scalar_type() == at::kFloat;
}

LinearInput LayerNormModulateRowsCuda(const at::Tensor& x, const TokenVectors& multiplier,
                                      const TokenVectors& shift, double eps) {
  LinearInput rows = EmptyRows(x);
  kernels::LayerNormModulateArgs args =
      LayerNormArgsOf(x, multiplier, shift, eps, rows.values.mutable_data_ptr());
  args.out_scale = rows.scale.mutable_data_ptr<float>();
  const c10::DeviceGuard guard(x.device());
  kernels::LaunchLayerNormModulate(args, CurrentStream(x));
  return rows;
}

}  // namespace t3
