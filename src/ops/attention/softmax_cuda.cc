// Tensors to the arguments of kernels/softmax.h.
#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>

#include "kernels/softmax.h"
#include "ops/attention/softmax_impl.h"
#include "ops/dispatch.h"

namespace t3 {

bool SupportsSoftmaxCuda(const at::Tensor& x) {
  return SupportsVectorAccess(x) && x.is_contiguous() && x.scalar_type() == at::kBFloat16 &&
         x.size(1) >= kernels::kSoftmaxMinColumns &&
         x.size(1) <= kernels::SoftmaxMaxColumns(x.device().index());
}

void SoftmaxRowsCuda(const at::Tensor& x) {
  const c10::DeviceGuard guard(x.device());
  kernels::LaunchSoftmax({.x = x.mutable_data_ptr(), .rows = x.size(0), .columns = x.size(1)},
                         CurrentStream(x));
}

}  // namespace t3
