// Tensors to the arguments of kernels/inverse_rms.h, rms_rope_rows.h and rms_rope_scatter.h.
#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "base/check.h"
#include "kernels/inverse_rms.h"
#include "kernels/rms_rope_rows.h"
#include "kernels/rms_rope_scatter.h"
#include "ops/attention/rms_rope_impl.h"
#include "ops/dispatch.h"

namespace t3 {

at::Tensor InverseRms(const at::Tensor& x, double eps) {
  return InverseRmsOfPartsCuda(x.unsqueeze(0), eps);
}

at::Tensor InverseRmsOfPartsCuda(const at::Tensor& x, double eps) {
  const at::Tensor out = at::empty({x.size(1)}, x.options().dtype(at::kFloat));
  const kernels::InverseRmsArgs args{.x = x.const_data_ptr(),
                                     .type = DTypeOf(x),
                                     .stride = x.stride(1),
                                     .part_stride = x.stride(0),
                                     .parts = x.size(0),
                                     .tokens = x.size(1),
                                     .channels = x.size(2),
                                     .eps = static_cast<float>(eps),
                                     .out = out.mutable_data_ptr<float>()};
  const c10::DeviceGuard guard(x.device());
  kernels::LaunchInverseRms(args, CurrentStream(x));
  return out;
}

kernels::RopeArgs RopeArgsOf(const RopeTables* rope) {
  if (!rope) return {};
  const auto table = [](const at::Tensor& axis) {
    T3_CHECK(axis.is_cuda() && axis.is_contiguous() && axis.scalar_type() == at::kComplexFloat,
             "RoPE tables for kernels must be contiguous complex64 on the GPU");
    return static_cast<const float*>(axis.const_data_ptr());
  };
  return {.t = table(rope->t),
          .h = table(rope->h),
          .w = table(rope->w),
          .pairs_t = static_cast<int>(rope->t.size(1)),
          .pairs_h = static_cast<int>(rope->h.size(1)),
          .pairs_w = static_cast<int>(rope->w.size(1)),
          .frames = rope->t.size(0),
          .height = rope->h.size(0),
          .width = rope->w.size(0)};
}

namespace {

// By the rows' inverse norms, from another pass or another rank.
void RmsNormRopeBy(const at::Tensor& inverse, const at::Tensor& out, const at::Tensor& x,
                   const at::Tensor& weight, int64_t heads, const RopeTables* rope) {
  kernels::RmsRopeScatterArgs args{};
  args.type = DTypeOf(x);
  args.tokens = x.size(0);
  args.heads = static_cast<int>(heads);
  args.head_dim = static_cast<int>(x.size(1) / heads);
  args.q = x.const_data_ptr();
  args.q_stride = x.stride(0);
  args.q_inverse = inverse.const_data_ptr<float>();
  args.q_weight = weight.const_data_ptr<float>();
  args.rope = RopeArgsOf(rope);
  args.targets = 1;
  args.target[0].q = out.mutable_data_ptr();
  args.target[0].stride = out.stride(0);
  kernels::LaunchRmsRopeScatter(args, CurrentStream(x));
}

}  // namespace

void RmsNormRopeInto(const at::Tensor& out, const at::Tensor& x, const at::Tensor& weight,
                     double eps, int64_t heads, const RopeTables* rope, const at::Tensor& inverse) {
  const c10::DeviceGuard guard(x.device());
  if (inverse.defined()) return RmsNormRopeBy(inverse, out, x, weight, heads, rope);
  // Rows that are too long for registers are read twice.
  if (x.size(1) > kernels::RmsRopeRowsMaxChannels(DTypeOf(x)))
    return RmsNormRopeBy(InverseRms(x, eps), out, x, weight, heads, rope);
  const kernels::RmsRopeRowsArgs args{.x = x.const_data_ptr(),
                                      .out = out.mutable_data_ptr(),
                                      .type = DTypeOf(x),
                                      .x_stride = x.stride(0),
                                      .out_stride = out.stride(0),
                                      .tokens = x.size(0),
                                      .channels = x.size(1),
                                      .head_dim = static_cast<int>(x.size(1) / heads),
                                      .eps = static_cast<float>(eps),
                                      .weight = weight.const_data_ptr<float>(),
                                      .rope = RopeArgsOf(rope)};
  kernels::LaunchRmsRopeRows(args, CurrentStream(x));
}

at::Tensor RmsNormRopeCuda(const at::Tensor& x, const at::Tensor& weight, double eps, int64_t heads,
                           const RopeTables* rope, const at::Tensor& inverse) {
  at::Tensor out = at::empty(x.sizes(), x.options());
  RmsNormRopeInto(out, x, weight, eps, heads, rope, inverse);
  return out;
}

}  // namespace t3
