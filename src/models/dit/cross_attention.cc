// Attention to the text.
#include "models/dit/cross_attention.h"

#include <ATen/ATen.h>

#include "ops/attention/rms_rope.h"
#include "ops/attention/text_attention.h"
#include "ops/linear/linear.h"

namespace t3 {

CrossAttention::CrossAttention(const DitConfig& config, const TensorMap& tensors,
                               const std::string& prefix)
    : heads_(config.num_heads),
      eps_(config.eps),
      q_(tensors, prefix + ".q"),
      k_(tensors, prefix + ".k"),
      v_(tensors, prefix + ".v"),
      o_(tensors, prefix + ".o"),
      norm_q_(FloatTensor(tensors, prefix + ".norm_q.weight")),
      norm_k_(FloatTensor(tensors, prefix + ".norm_k.weight")) {}

TextKeys CrossAttention::Keys(const at::Tensor& text, ExecutionMode mode) const {
  const at::Tensor k = RmsNormRope(k_(text).flatten(0, 1), norm_k_, eps_, heads_, nullptr, mode);
  return {k.unflatten(0, {text.size(0), -1}), v_(text).unflatten(-1, {heads_, -1})};
}

void CrossAttention::AddTo(at::Tensor& x, const LinearInput& normed, const TextKeys& keys,
                           const at::Tensor& bias, ExecutionMode mode) const {
  const at::Tensor attended = TextAttention(
      {.q = q_(normed), .q_weight = norm_q_, .eps = eps_, .k = keys.k, .v = keys.v, .bias = bias},
      mode);
  AddLinear(x, attended, o_, mode);
}

}  // namespace t3
