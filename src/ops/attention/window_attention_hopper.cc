// Window attention by kernels/window_attention.h: q and k are normed and rotated where they lie,
// and the kernel reads every window from token order and writes it there, so that nothing is
// scattered.
#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>

#include "kernels/device.h"
#include "kernels/window_attention.h"
#include "ops/attention/rms_rope_impl.h"
#include "ops/attention/window_attention_impl.h"
#include "ops/dispatch.h"
#include "ops/profiler.h"

namespace t3 {
namespace {

// cuDNN is faster for long windows, and scattering them costs little beside.
constexpr int64_t kMinKernelWindow = 64, kMaxKernelWindow = 8192;

bool SuitsKernel(const WindowPartition& partition) {
  return std::ranges::all_of(partition.groups, [](const WindowGroup& group) {
    return group.length >= kMinKernelWindow && group.length <= kMaxKernelWindow;
  });
}

// Heads [head, head + heads) of q, k and v, in the windows of `partition`. `other`, if defined, and
// `out` have these heads only.
void LaunchWindows(const SelfAttentionInput& in, int64_t head, int64_t heads,
                   const WindowPartition& partition, const at::Tensor& other,
                   const at::Tensor& out) {
  const int64_t first = head * kernels::kWindowAttentionHeadDim;
  const auto data = [&](const at::Tensor& x) {
    return x.narrow(1, first, heads * kernels::kWindowAttentionHeadDim).const_data_ptr();
  };
  for (const WindowGroup& group : partition.groups) {
    kernels::LaunchWindowAttention(
        {.q = data(in.q),
         .k = data(in.k),
         .v = data(in.v),
         .q_stride = in.q.stride(0),
         .k_stride = in.k.stride(0),
         .v_stride = in.v.stride(0),
         .order = partition.order.defined() ? partition.order.const_data_ptr<int32_t>() : nullptr,
         .first = group.first,
         .windows = group.count,
         .length = group.length,
         .heads = static_cast<int>(heads),
         .out = out.mutable_data_ptr(),
         .out_stride = out.stride(0),
         .other = other.defined() ? other.const_data_ptr() : nullptr,
         .other_stride = other.defined() ? other.stride(0) : 0},
        CurrentStream(in.q));
  }
}

}  // namespace

bool SupportsWindowAttentionHopper(const SelfAttentionInput& in,
                                   const std::vector<WindowPartition>& partitions) {
  return SupportsWindowAttentionCuda(in) && !PortableOnly() && OnTrial('w') &&
         in.q.scalar_type() == at::kBFloat16 &&
         in.q.size(1) / in.heads == kernels::kWindowAttentionHeadDim &&
         kernels::ComputeCapability(in.q.device().index()) == 90 &&
         std::ranges::all_of(partitions, SuitsKernel);
}

at::Tensor WindowAttentionHopper(const SelfAttentionInput& in,
                                 const std::vector<WindowPartition>& partitions,
                                 int64_t scratch_bytes) {
  const c10::DeviceGuard guard(in.q.device());
  {
    const ProfileScope scope("norm, rotation");
    RmsNormRopeInto(in.q, in.q, in.q_weight, in.eps, in.heads, in.rope, in.q_inverse);
    RmsNormRopeInto(in.k, in.k, in.k_weight, in.eps, in.heads, in.rope, in.k_inverse);
  }
  const ProfileScope scope("window attention");
  if (partitions.size() == 1) {
    LaunchWindows(in, 0, in.heads, partitions[0], {}, in.q);
    return in.q;
  }
  const int64_t row = kernels::kWindowAttentionHeadDim;
  const int64_t group = HeadGroup(
      in.heads, in.q.size(0) * row * static_cast<int64_t>(in.q.element_size()), scratch_bytes);
  const at::Tensor first = at::empty({in.q.size(0), group * row}, in.q.options());
  for (int64_t head = 0; head < in.heads; head += group) {
    LaunchWindows(in, head, group, partitions[0], {}, first);
    LaunchWindows(in, head, group, partitions[1], first, in.q.narrow(1, head * row, group * row));
  }
  return in.q;
}

}  // namespace t3
