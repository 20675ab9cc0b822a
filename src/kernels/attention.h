// Attention of one shape by cuDNN.
#pragma once

#include <array>
#include <compare>
#include <memory>

#include "kernels/cudnn_plans.h"

namespace t3::kernels {

// What a plan depends on. Elements are bf16, or e4m3 codes; rows of a head have unit stride.
struct AttentionShape {
  using Strides = std::array<int64_t, 3>;  // elements between batch entries, heads, rows
  int64_t batch;
  int64_t heads;
  int64_t queries;
  int64_t keys;
  int64_t head_dim;
  Strides q, k, v, out;
  bool fp8 = false;

  auto operator<=>(const AttentionShape&) const = default;
};

// Weights of codes are rounded to codes of weight * kAttentionWeightScale, where the largest of a
// row is 1: they reach 256 and never saturate.
inline constexpr float kAttentionWeightScale = 256;

// Plans for out = softmax(q k^T / sqrt(head_dim)) v; tensors q, k, v, out. Of codes, sums are fp32,
// and eight fp32 numbers follow: what codes of q, k and v are multiplied by, 1 /
// kAttentionWeightScale, kAttentionWeightScale, what the result is multiplied by before it becomes
// codes, and two that are written, the largest weight and magnitude of the result. Null if cuDNN
// has no plan for the shape, and in builds without its front end.
std::unique_ptr<CudnnPlans> FindAttentionPlans(const AttentionShape& shape,
                                               int64_t max_workspace_bytes);

}  // namespace t3::kernels
