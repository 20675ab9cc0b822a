// Attention of one shape by cuDNN.
#pragma once

#include <array>
#include <compare>
#include <memory>

#include "kernels/cudnn_plans.h"

namespace t3::kernels {

// What a plan depends on. Elements are bf16; rows of a head have unit stride.
struct AttentionShape {
  using Strides = std::array<int64_t, 3>;  // elements between batch entries, heads, rows
  int64_t batch;
  int64_t heads;
  int64_t queries;
  int64_t keys;
  int64_t head_dim;
  Strides q, k, v, out;

  auto operator<=>(const AttentionShape&) const = default;
};

// Plans for out = softmax(q k^T / sqrt(head_dim)) v; tensors q, k, v, out. Null if cuDNN has none
// for the shape, and in builds without its front end.
std::unique_ptr<CudnnPlans> FindAttentionPlans(const AttentionShape& shape,
                                               int64_t max_workspace_bytes);

}  // namespace t3::kernels
