// Index tensors of partitions.
#include "ops/attention/window_partition.h"

#include <ATen/ATen.h>

#include <limits>
#include <utility>

#include "base/check.h"

namespace t3 {

WindowPartition WindowPartition::Make(const at::Tensor& order, std::vector<WindowGroup> groups,
                                      at::Device device) {
  if (!order.defined()) return {{}, {}, std::move(groups)};
  at::Tensor rows = at::empty_like(order);
  rows.scatter_(0, order.to(at::kLong), at::arange(order.numel(), order.options()));
  return {order.to(device), rows.to(device), std::move(groups)};
}

WindowPartition WindowPartition::Repeat(int64_t videos) const {
  std::vector<WindowGroup> repeated;
  int64_t tokens = 0;
  for (const WindowGroup& group : groups) {
    repeated.push_back({group.first * videos, group.count * videos, group.length});
    tokens += group.count * group.length;
  }
  T3_CHECK(videos > 0 && videos * tokens <= std::numeric_limits<int32_t>::max(),
           "WindowPartition: {} videos of {} tokens; 32-bit indices reach 2^31", videos, tokens);
  const at::Device device = order.defined() ? order.device() : at::Device(at::kCPU);
  if (!order.defined() && groups.size() == 1) return Make({}, std::move(repeated), device);
  const auto integers = at::TensorOptions().dtype(at::kInt);
  const at::Tensor one = order.defined() ? order.cpu() : at::arange(tokens, integers);
  const at::Tensor all =  // (videos, tokens)
      one + (at::arange(videos, integers) * tokens).unsqueeze(1).to(at::kInt);
  std::vector<at::Tensor> by_group;
  for (const WindowGroup& group : groups) {
    by_group.push_back(all.narrow(1, group.first, group.count * group.length).flatten());
  }
  return Make(at::cat(by_group), std::move(repeated), device);
}

}  // namespace t3
