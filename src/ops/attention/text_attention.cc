// Attention to the text: checks, reference, dispatch.
#include "ops/attention/text_attention.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "kernels/text_attention.h"
#include "ops/attention/attend.h"
#include "ops/attention/rms_rope.h"
#include "ops/attention/text_attention_impl.h"

namespace t3 {
namespace {

void CheckTextAttention(const TextAttentionInput& in) {
  T3_CHECK(in.q.dim() == 2 && in.k.dim() == 4 && in.k.sizes() == in.v.sizes() &&
               in.q.size(0) % in.k.size(0) == 0 && in.q.size(1) == in.k.size(2) * in.k.size(3),
           "TextAttention: q ({}), k ({}), v ({}) do not match", fmt::join(in.q.sizes(), ", "),
           fmt::join(in.k.sizes(), ", "), fmt::join(in.v.sizes(), ", "));
  T3_CHECK(in.q_weight.numel() == in.q.size(1) &&
               (!in.bias.defined() || in.bias.numel() == in.k.size(0) * in.k.size(1)),
           "TextAttention: norm of {} channels for q ({}), a bias of {} for k ({})",
           in.q_weight.numel(), fmt::join(in.q.sizes(), ", "),
           in.bias.defined() ? in.bias.numel() : 0, fmt::join(in.k.sizes(), ", "));
}

at::Tensor TextAttentionReference(const TextAttentionInput& in, ExecutionMode mode) {
  const at::Tensor q = RmsNormRope(in.q, in.q_weight, in.eps, in.k.size(2), nullptr, mode);
  const at::Tensor out = Attend(q.unflatten(0, {in.k.size(0), -1}), in.k, in.v, in.bias, mode);
  return out.flatten(2).flatten(0, 1);
}

}  // namespace

at::Tensor TextAttention(const TextAttentionInput& in, ExecutionMode mode) {
  CheckTextAttention(in);
  if (mode == ExecutionMode::kInPlace && SupportsTextAttentionCuda(in)) {
    return TextAttentionCuda(in);
  }
  return TextAttentionReference(in, mode);
}

bool SupportsTextAttentionKernel(const at::Tensor& x, int64_t head_dim, int64_t rows,
                                 ExecutionMode mode) {
  return x.is_cuda() && mode == ExecutionMode::kInPlace && x.scalar_type() == at::kBFloat16 &&
         kernels::SupportsTextAttention(head_dim, rows);
}

}  // namespace t3
