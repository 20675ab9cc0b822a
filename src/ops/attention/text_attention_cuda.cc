// Tensors to the arguments of kernels/text_attention.h.
#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>

#include "kernels/text_attention.h"
#include "ops/attention/rms_rope_impl.h"
#include "ops/attention/text_attention.h"
#include "ops/attention/text_attention_impl.h"
#include "ops/dispatch.h"

namespace t3 {

bool SupportsTextAttentionCuda(const TextAttentionInput& in) {
  const auto fits = [](const at::Tensor& x, at::ScalarType dtype) {
    return x.is_cuda() && x.is_contiguous() && x.scalar_type() == dtype;
  };
  return SupportsVectorAccess(in.q) && in.q.scalar_type() == at::kBFloat16 && in.k.size(0) == 1 &&
         kernels::SupportsTextAttention(in.k.size(3), in.k.size(1)) && fits(in.k, at::kBFloat16) &&
         fits(in.v, at::kBFloat16) && fits(in.q_weight, at::kFloat) &&
         (!in.bias.defined() || fits(in.bias, at::kFloat));
}

at::Tensor TextAttentionCuda(const TextAttentionInput& in) {
  const at::Tensor inverse = InverseRms(in.q, in.eps);
  const kernels::TextAttentionArgs args{
      .q = in.q.mutable_data_ptr(),
      .q_stride = in.q.stride(0),
      .tokens = in.q.size(0),
      .heads = static_cast<int>(in.k.size(2)),
      .head_dim = static_cast<int>(in.k.size(3)),
      .q_inverse = inverse.const_data_ptr<float>(),
      .q_weight = in.q_weight.const_data_ptr<float>(),
      .k = in.k.const_data_ptr(),
      .v = in.v.const_data_ptr(),
      .bias = in.bias.defined() ? in.bias.const_data_ptr<float>() : nullptr,
      .keys = static_cast<int>(in.k.size(1))};
  const c10::DeviceGuard guard(in.q.device());
  kernels::LaunchTextAttention(args, CurrentStream(in.q));
  return in.q;
}

}  // namespace t3
