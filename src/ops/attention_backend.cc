// The attention kernel proper, chosen at run time by device.
#include "ops/attention_backend.h"

#include <ATen/ATen.h>

#include <optional>

#include "base/check.h"

namespace t3 {

at::Tensor Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const at::Tensor& bias) {
  T3_CHECK(q.dim() == 4 && k.dim() == 4 && k.sizes() == v.sizes() && q.size(0) == k.size(0) &&
               q.size(2) == k.size(2) && q.size(3) == k.size(3),
           "Attend: q ({}), k ({}), v ({}) do not fit", fmt::join(q.sizes(), ", "),
           fmt::join(k.sizes(), ", "), fmt::join(v.sizes(), ", "));
  std::optional<at::Tensor> mask;
  if (bias.defined()) mask = bias.expand({q.size(0), 1, q.size(1), k.size(1)});
  return at::scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2),
                                          mask)
      .transpose(1, 2);
}

}  // namespace t3
