// Tensors to the arguments of kernels/bias_relu.h.
#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>

#include "kernels/bias_relu.h"
#include "ops/dispatch.h"
#include "ops/feature_map/bias_relu_impl.h"

namespace t3 {

void BiasReluCuda(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x,
                  const at::Tensor& out) {
  const kernels::BiasReluArgs args{.type = DTypeOf(y),
                                   .y = y.const_data_ptr(),
                                   .x = x.defined() ? x.const_data_ptr() : nullptr,
                                   .out = out.mutable_data_ptr(),
                                   .positions = y.size(0) * y.size(1) * y.size(2),
                                   .channels = y.size(3),
                                   .bias = ChannelValues(bias, y.size(3), "BiasRelu, bias")};
  const c10::DeviceGuard guard(y.device());
  kernels::LaunchBiasRelu(args, CurrentStream(y));
}

}  // namespace t3
