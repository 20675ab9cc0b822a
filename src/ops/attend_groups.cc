// Attention over the windows of one partition.
#include "ops/attend_groups.h"

#include <ATen/ATen.h>

#include "ops/attention_backend.h"
#include "ops/dispatch.h"
#include "ops/part_timer.h"

namespace t3 {

at::Tensor AttendGroups(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                        const std::vector<WindowPartition::Group>& groups) {
  const Part part("window attention");
  const auto attend = [&](const WindowPartition::Group& group) {
    const auto windows = [&](const at::Tensor& x) {
      return x.narrow(0, group.first, group.count * group.length)
          .unflatten(0, {group.count, group.length});
    };
    return Attend(windows(q), windows(k), windows(v)).flatten(0, 1);
  };
  if (groups.size() == 1) return attend(groups[0]);
  if (GradientsOn()) {
    std::vector<at::Tensor> outputs;
    for (const WindowPartition::Group& group : groups) outputs.push_back(attend(group));
    return at::cat(outputs);
  }
  const at::Tensor all = at::empty(q.sizes(), q.options());  // one group's output at a time beside
  for (const WindowPartition::Group& group : groups) {
    all.narrow(0, group.first, group.count * group.length).copy_(attend(group));
  }
  return all;
}

}  // namespace t3
