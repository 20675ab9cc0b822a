// Tensors to the arguments of kernels/norm_silu.h.
#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>

#include "kernels/norm_silu.h"
#include "ops/dispatch.h"
#include "ops/feature_map/feature_map.h"
#include "ops/feature_map/norm_silu.h"
#include "ops/feature_map/norm_silu_impl.h"

namespace t3 {

bool SupportsNormSiluCuda(const at::Tensor& x, const at::Tensor& out) {
  return SupportsMapKernel(x) && SupportsMapKernel(out) &&
         x.size(3) / kernels::VectorElements(DTypeOf(x)) <= kernels::kNormSiluMaxVectors;
}

void NormSiluCuda(const at::Tensor& x, const NormSiluOptions& options, int64_t first_row,
                  const at::Tensor& out) {
  const kernels::NormSiluArgs args{
      .type = DTypeOf(x),
      .x = x.const_data_ptr(),
      .x_frame_stride = x.stride(0),
      .x_rows = x.size(1),
      .out = out.mutable_data_ptr(),
      .frames = out.size(0),
      .out_rows = out.size(1),
      .first_row = first_row,
      .columns = out.size(2),
      .channels = out.size(3),
      .bias = ChannelValues(options.bias, x.size(3), "NormSilu, bias"),
      .gamma = ChannelValues(options.gamma, x.size(3), "NormSilu, gamma"),
      .silu = options.silu};
  const c10::DeviceGuard guard(x.device());
  kernels::LaunchNormSilu(args, CurrentStream(x));
}

}  // namespace t3
