// Cross-attention.
#include "models/dit/cross_attention.h"

#include <ATen/ATen.h>

#include "ops/rms_rope.h"
#include "ops/text_attention.h"

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

TextKeys CrossAttention::Keys(const at::Tensor& text) const {
  const at::Tensor k = RmsNormRope(k_(text).flatten(0, 1), norm_k_, eps_, heads_, nullptr);
  return {k.unflatten(0, {text.size(0), -1}), v_(text).unflatten(-1, {heads_, -1})};
}

void CrossAttention::AddTo(at::Tensor& x, const at::Tensor& normed, const TextKeys& keys,
                           const at::Tensor& bias) const {
  const at::Tensor attended = TextAttention(
      {.q = q_(normed), .q_weight = norm_q_, .eps = eps_, .k = keys.k, .v = keys.v, .bias = bias});
  AddLinear(x, attended, o_);
}

}  // namespace t3
