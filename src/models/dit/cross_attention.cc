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
  return {RmsNormRope(k_(text), norm_k_, eps_, heads_, nullptr).unsqueeze(0),
          v_(text).unflatten(-1, {heads_, -1}).unsqueeze(0)};
}

at::Tensor CrossAttention::operator()(const at::Tensor& x, const TextKeys& keys,
                                      const at::Tensor& bias) const {
  const at::Tensor q = RmsNormRope(q_(x), norm_q_, eps_, heads_, nullptr).unsqueeze(0);
  return o_(Attend(q, keys.k, keys.v, bias).flatten(2).squeeze(0));
}

}  // namespace t3
