// How ops call the kernels of kernels/rms_rope.h.
#include "ops/rms_rope_kernel.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "base/check.h"
#include "ops/dispatch.h"

namespace t3 {

at::Tensor InverseRms(const at::Tensor& x, double eps) {
  const at::Tensor out = at::empty({x.size(0)}, x.options().dtype(at::kFloat));
  const kernels::InverseRmsArgs args{.x = x.const_data_ptr(),
                                     .type = ElementOf(x),
                                     .stride = x.stride(0),
                                     .tokens = x.size(0),
                                     .channels = x.size(1),
                                     .eps = static_cast<float>(eps),
                                     .out = out.mutable_data_ptr<float>()};
  const c10::DeviceGuard guard(x.device());
  kernels::InverseRms(args, CurrentStream(x));
  return out;
}

kernels::RopeArgs RopeArgsOf(const RopeTables* rope) {
  if (!rope) return {};
  const auto table = [](const at::Tensor& axis) {
    T3_CHECK(axis.is_cuda() && axis.is_contiguous() && axis.scalar_type() == at::kComplexFloat,
             "RoPE tables for kernels are contiguous complex64 on the GPU");
    return static_cast<const float*>(axis.const_data_ptr());
  };
  return {.t = table(rope->t),
          .h = table(rope->h),
          .w = table(rope->w),
          .pairs_t = static_cast<int>(rope->t.size(1)),
          .pairs_h = static_cast<int>(rope->h.size(1)),
          .pairs_w = static_cast<int>(rope->w.size(1)),
          .height = rope->h.size(0),
          .width = rope->w.size(0)};
}

}  // namespace t3
