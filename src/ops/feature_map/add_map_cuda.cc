// Tensors to the arguments of kernels/add_map.h.
#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>

#include "kernels/add_map.h"
#include "ops/dispatch.h"
#include "ops/feature_map/add_map_impl.h"

namespace t3 {

void AddMapCuda(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x) {
  const kernels::AddMapArgs args{.type = DTypeOf(y),
                                 .y = y.mutable_data_ptr(),
                                 .x = x.const_data_ptr(),
                                 .x_frame_stride = x.stride(0),
                                 .frames = y.size(0),
                                 .frame_positions = y.size(1) * y.size(2),
                                 .channels = y.size(3),
                                 .bias = ChannelValues(bias, y.size(3), "AddMap, bias")};
  const c10::DeviceGuard guard(y.device());
  kernels::LaunchAddMap(args, CurrentStream(y));
}

}  // namespace t3
