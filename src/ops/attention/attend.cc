// Attention: checks, cuDNN or libtorch.
#include "ops/attention/attend.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/check.h"
#include "kernels/device.h"
#include "ops/attention/attend_cudnn.h"
#include "ops/dispatch.h"
#include "ops/profiler.h"

namespace t3 {
namespace {

bool IsBf16OnHopper(const at::Tensor& x) {
  return x.is_cuda() && !PortableOnly() && x.scalar_type() == at::kBFloat16 &&
         kernels::ComputeCapability(x.device().index()) >= 90;
}

// cuDNN's kernels are the fastest on Hopper (510-620 TFLOP/s against 285-350 of torch's
// FlashAttention-2, and 0.6 of its time for gradients) from some window length on. Elsewhere
// libtorch chooses among FlashAttention-2, memory-efficient attention (fp32) and its reference.
bool SupportsCudnn(const at::Tensor& q, const at::Tensor& k) {
  constexpr int64_t kMinRows = 64;
  return IsBf16OnHopper(q) && q.size(3) % 8 == 0 && q.size(3) <= 128 && q.size(1) >= kMinRows &&
         k.size(1) >= kMinRows;
}

// (B, heads, L, d) each; bias (B or 1, 1, Lq, Lk) or nothing.
at::Tensor AttendByLibtorchCudnn(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                 const std::optional<at::Tensor>& bias, ExecutionMode mode) {
  const bool for_gradients = mode == ExecutionMode::kDifferentiable;
  return std::get<0>(
      at::_scaled_dot_product_cudnn_attention(q, k, v, bias, /*compute_log_sumexp=*/for_gradients));
}

// libtorch also uses cuDNN for few queries, where results for one query and a bias differ from run
// to run (docs/results/denoise-4k.md).
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

// GPU kernels put the batch into a dimension of their grid that ends here; a training batch can
// have more windows.
constexpr int64_t kMaxBatches = 65535;

at::Tensor AttendInBatches(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const at::Tensor& bias, ExecutionMode mode) {
  std::vector<at::Tensor> outputs;
  for (int64_t first = 0; first < q.size(0); first += kMaxBatches) {
    const auto batch = [&](const at::Tensor& x) {
      return x.narrow(0, first, std::min(kMaxBatches, q.size(0) - first));
    };
    const bool per_entry = bias.defined() && bias.dim() == 2 && bias.size(0) > 1;
    outputs.push_back(Attend(batch(q), batch(k), batch(v), per_entry ? batch(bias) : bias, mode));
  }
  return at::cat(outputs);
}

}  // namespace

bool SupportsAttendBias(const at::Tensor& x, ExecutionMode mode) {
  return mode == ExecutionMode::kInPlace && IsBf16OnHopper(x);
}

at::Tensor Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const at::Tensor& bias, ExecutionMode mode) {
  T3_CHECK(q.dim() == 4 && k.dim() == 4 && k.sizes() == v.sizes() && q.size(0) == k.size(0) &&
               q.size(2) == k.size(2) && q.size(3) == k.size(3),
           "Attend: q ({}), k ({}), v ({}) do not match; wanted (batch, rows, heads, channels)",
           fmt::join(q.sizes(), ", "), fmt::join(k.sizes(), ", "), fmt::join(v.sizes(), ", "));
  if (q.size(0) > kMaxBatches) return AttendInBatches(q, k, v, bias, mode);
  const auto by_head = [](const at::Tensor& x) { return x.transpose(1, 2); };
  std::optional<at::Tensor> mask;
  if (bias.defined()) {
    mask = bias.to(q.scalar_type())
               .view({-1, 1, 1, k.size(1)})
               .expand({q.size(0), 1, q.size(1), k.size(1)});
  }
  if (SupportsCudnn(q, k) && (!mask || SupportsAttendBias(q, mode))) {
    if (!mask && mode == ExecutionMode::kInPlace) {
      const at::Tensor out = at::empty(q.sizes(), q.options());
      if (AttendByCudnnPlan(q, k, v, out)) return out;
    }
    return by_head(AttendByLibtorchCudnn(by_head(q), by_head(k), by_head(v), mask, mode));
  }
  const WithoutCudnn guard;
  return by_head(at::scaled_dot_product_attention(by_head(q), by_head(k), by_head(v), mask));
}

at::Tensor AttendWindows(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                         const std::vector<WindowGroup>& groups, ExecutionMode mode) {
  const ProfileScope scope("window attention");
  std::vector<int64_t> rows;
  for (const WindowGroup& group : groups) rows.push_back(group.count * group.length);
  // Split rather than narrowed: the gradient of a part would be written into zeros of the whole.
  const std::vector<at::Tensor> qs = q.split_with_sizes(rows), ks = k.split_with_sizes(rows),
                                vs = v.split_with_sizes(rows);
  const auto attend = [&](size_t i) {
    const auto windows = [&](const std::vector<at::Tensor>& parts) {
      return parts[i].unflatten(0, {groups[i].count, groups[i].length});
    };
    return Attend(windows(qs), windows(ks), windows(vs), {}, mode).flatten(0, 1);
  };
  if (groups.size() == 1) return attend(0);
  if (mode == ExecutionMode::kDifferentiable) {
    std::vector<at::Tensor> outputs;
    for (size_t i = 0; i < groups.size(); ++i) outputs.push_back(attend(i));
    return at::cat(outputs);
  }
  const at::Tensor all = at::empty(q.sizes(), q.options());
  for (size_t i = 0; i < groups.size(); ++i)
    all.narrow(0, groups[i].first, rows[i]).copy_(attend(i));
  return all;
}

}  // namespace t3
