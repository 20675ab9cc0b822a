// The attention kernel proper, chosen at run time by device.
#include "ops/attention_backend.h"

#include <ATen/ATen.h>

#include <optional>
#include <tuple>

#include "base/check.h"
#include "kernels/types.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

// cuDNN's kernels are the fastest on Hopper (design: 510-620 TFLOP/s against 285-350 of torch's
// FlashAttention-2) for windows of some length; elsewhere torch's own choice among
// FlashAttention-2, memory-efficient (fp32) and plain is taken.
bool CudnnTakes(const at::Tensor& q, const at::Tensor& k) {
  constexpr int64_t kShortest = 64;
  return q.is_cuda() && !GradientsOn() && q.scalar_type() == at::kBFloat16 && q.size(3) % 8 == 0 &&
         q.size(3) <= 128 && q.size(1) >= kShortest && k.size(1) >= kShortest &&
         kernels::ComputeCapability(q.device().index()) >= 90;
}

// (B, heads, L, d) each.
at::Tensor AttendCudnn(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return std::get<0>(at::_scaled_dot_product_cudnn_attention(q, k, v, /*attn_bias=*/std::nullopt,
                                                             /*compute_log_sumexp=*/false));
}

}  // namespace

at::Tensor Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const at::Tensor& bias) {
  T3_CHECK(q.dim() == 4 && k.dim() == 4 && k.sizes() == v.sizes() && q.size(0) == k.size(0) &&
               q.size(2) == k.size(2) && q.size(3) == k.size(3),
           "Attend: q ({}), k ({}), v ({}) do not fit", fmt::join(q.sizes(), ", "),
           fmt::join(k.sizes(), ", "), fmt::join(v.sizes(), ", "));
  const auto by_head = [](const at::Tensor& x) { return x.transpose(1, 2); };
  if (!bias.defined() && CudnnTakes(q, k)) {
    return by_head(AttendCudnn(by_head(q), by_head(k), by_head(v)));
  }
  std::optional<at::Tensor> mask;
  if (bias.defined()) {
    mask = bias.view({-1, 1, 1, k.size(1)}).expand({q.size(0), 1, q.size(1), k.size(1)});
  }
  return by_head(at::scaled_dot_product_attention(by_head(q), by_head(k), by_head(v), mask));
}

}  // namespace t3
