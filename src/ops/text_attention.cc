// Attention to the text: the definition by the other ops, and the choice of the GPU's kernel.
#include "ops/text_attention.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "base/check.h"
#include "kernels/text_attention.h"
#include "ops/attention_backend.h"
#include "ops/dispatch.h"
#include "ops/rms_rope.h"
#include "ops/rms_rope_kernel.h"

namespace t3 {
namespace {

at::Tensor TextAttentionPlain(const TextAttentionInput& in) {
  const at::Tensor q = RmsNormRope(in.q, in.q_weight, in.eps, in.k.size(2), nullptr);
  const at::Tensor out = Attend(q.unflatten(0, {in.k.size(0), -1}), in.k, in.v, in.bias);
  return out.flatten(2).flatten(0, 1);
}

bool TextKernelTakes(const TextAttentionInput& in) {
  const auto fits = [](const at::Tensor& x, at::ScalarType dtype) {
    return x.is_cuda() && x.is_contiguous() && x.scalar_type() == dtype;
  };
  return KernelTakes(in.q) && in.k.size(0) == 1 &&
         TextAttentionHasKernel(in.q, in.k.size(3), in.k.size(1)) && fits(in.k, at::kBFloat16) &&
         fits(in.v, at::kBFloat16) && fits(in.q_weight, at::kFloat) &&
         (!in.bias.defined() || fits(in.bias, at::kFloat));
}

at::Tensor TextAttentionKernel(const TextAttentionInput& in) {
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
  kernels::TextAttention(args, CurrentStream(in.q));
  return in.q;
}

}  // namespace

bool TextAttentionHasKernel(const at::Tensor& x, int64_t head_dim, int64_t rows) {
  return x.is_cuda() && !GradientsOn() && x.scalar_type() == at::kBFloat16 &&
         kernels::TextAttentionTakes(head_dim, rows);
}

at::Tensor TextAttention(const TextAttentionInput& in) {
  T3_CHECK(in.q.dim() == 2 && in.k.dim() == 4 && in.k.sizes() == in.v.sizes() &&
               in.q.size(0) % in.k.size(0) == 0 && in.q.size(1) == in.k.size(2) * in.k.size(3),
           "TextAttention: q ({}), k ({}), v ({}) do not fit", fmt::join(in.q.sizes(), ", "),
           fmt::join(in.k.sizes(), ", "), fmt::join(in.v.sizes(), ", "));
  T3_CHECK(in.q_weight.numel() == in.q.size(1) &&
               (!in.bias.defined() || in.bias.numel() == in.k.size(0) * in.k.size(1)),
           "TextAttention: norm of {} channels for q ({}), a bias of {} for k ({})",
           in.q_weight.numel(), fmt::join(in.q.sizes(), ", "),
           in.bias.defined() ? in.bias.numel() : 0, fmt::join(in.k.sizes(), ", "));
  return TextKernelTakes(in) ? TextAttentionKernel(in) : TextAttentionPlain(in);
}

}  // namespace t3
