// The attention kernel proper, chosen at run time by device.
#include "ops/attention_backend.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "base/check.h"
#include "kernels/types.h"
#include "ops/attention_choice.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

// cuDNN's kernels are the fastest on Hopper (design: 510-620 TFLOP/s against 285-350 of torch's
// FlashAttention-2) for windows of some length; elsewhere torch's own choice among
// FlashAttention-2, memory-efficient (fp32) and plain is taken.
bool CudnnTakes(const at::Tensor& q, const at::Tensor& k) {
  constexpr int64_t kShortest = 64;
  return AttendTakesBias(q) && q.size(3) % 8 == 0 && q.size(3) <= 128 && q.size(1) >= kShortest &&
         k.size(1) >= kShortest;
}

// (B, heads, L, d) each; bias (B or 1, 1, Lq, Lk) or nothing.
at::Tensor AttendCudnn(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                       const std::optional<at::Tensor>& bias) {
  return std::get<0>(at::_scaled_dot_product_cudnn_attention(q, k, v, bias,
                                                             /*compute_log_sumexp=*/false));
}

// libtorch takes cuDNN for a few queries too, whose results for one query and a bias then differ
// from run to run (docs/results/denoise-4k.md).
class WithoutCudnn {
 public:
  WithoutCudnn() : before_(at::globalContext().userEnabledCuDNNSDP()) {
    at::globalContext().setSDPUseCuDNN(false);
  }
  ~WithoutCudnn() { at::globalContext().setSDPUseCuDNN(before_); }
  WithoutCudnn(const WithoutCudnn&) = delete;
  WithoutCudnn& operator=(const WithoutCudnn&) = delete;

 private:
  bool before_;
};

// GPU kernels put the batch into a dimension of their grid that ends here; the windows of a
// training batch can be more.
constexpr int64_t kMaxBatches = 65535;

at::Tensor AttendInParts(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                         const at::Tensor& bias) {
  std::vector<at::Tensor> outputs;
  for (int64_t first = 0; first < q.size(0); first += kMaxBatches) {
    const auto part = [&](const at::Tensor& x) {
      return x.narrow(0, first, std::min(kMaxBatches, q.size(0) - first));
    };
    const bool own = bias.defined() && bias.dim() == 2 && bias.size(0) > 1;
    outputs.push_back(Attend(part(q), part(k), part(v), own ? part(bias) : bias));
  }
  return at::cat(outputs);
}

}  // namespace

bool AttendTakesBias(const at::Tensor& x) {
  return x.is_cuda() && !GradientsOn() && !PortableOnly() && x.scalar_type() == at::kBFloat16 &&
         kernels::ComputeCapability(x.device().index()) >= 90;
}

at::Tensor Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const at::Tensor& bias) {
  T3_CHECK(q.dim() == 4 && k.dim() == 4 && k.sizes() == v.sizes() && q.size(0) == k.size(0) &&
               q.size(2) == k.size(2) && q.size(3) == k.size(3),
           "Attend: q ({}), k ({}), v ({}) do not fit", fmt::join(q.sizes(), ", "),
           fmt::join(k.sizes(), ", "), fmt::join(v.sizes(), ", "));
  if (q.size(0) > kMaxBatches) return AttendInParts(q, k, v, bias);
  const auto by_head = [](const at::Tensor& x) { return x.transpose(1, 2); };
  std::optional<at::Tensor> mask;
  if (bias.defined()) {
    mask = bias.to(q.scalar_type())
               .view({-1, 1, 1, k.size(1)})
               .expand({q.size(0), 1, q.size(1), k.size(1)});
  }
  if (CudnnTakes(q, k)) {
    if (!mask) {
      const at::Tensor out = at::empty(q.sizes(), q.options());
      if (AttendByPlan(q, k, v, out)) return out;
    }
    return by_head(AttendCudnn(by_head(q), by_head(k), by_head(v), mask));
  }
  const WithoutCudnn guard;
  return by_head(at::scaled_dot_product_attention(by_head(q), by_head(k), by_head(v), mask));
}

}  // namespace t3
