// Cross-attention.
#include "models/dit/cross_attention.h"

#include <ATen/ATen.h>

#include "ops/attention_backend.h"
#include "ops/rms_rope.h"

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
  const at::Tensor q =
      RmsNormRope(q_(normed), norm_q_, eps_, heads_, nullptr).unflatten(0, {keys.k.size(0), -1});
  AddLinear(x, Attend(q, keys.k, keys.v, bias).flatten(2).flatten(0, 1), o_);
}

}  // namespace t3
