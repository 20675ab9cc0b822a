// Attention over the windows of one partition, a batch for each window length.
#pragma once

#include "ops/window_attention.h"

namespace t3 {

// q, k, v (N, heads, d) with rows in window order -> (N, heads, d). Differentiable.
at::Tensor AttendGroups(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                        const std::vector<WindowPartition::Group>& groups);

}  // namespace t3
