// Exchanges between ranks as nodes of the autograd graph.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "parallel/rank_group.h"

namespace t3 {

// RankGroup::Exchange (rank_group.h) whose backward pass returns each row's gradient to the member
// that the row came from. All members run the same graph, so their backward passes meet in the same
// order. `group` must live until the backward pass is over.
at::Tensor ExchangeAutograd(RankGroup& group, const at::Tensor& rows,
                            const std::vector<int64_t>& to, const std::vector<int64_t>& from);

// RankGroup::Gather for a loss that every member computes from all rows: each member keeps the
// gradient of its own rows, and nothing is exchanged in the backward pass.
at::Tensor GatherAutograd(RankGroup& group, const at::Tensor& rows,
                          const std::vector<int64_t>& counts);

}  // namespace t3
