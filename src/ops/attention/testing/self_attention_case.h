// Self-attention over windows of random numbers, on the device of the tests.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <vector>

#include "ops/attention/window_attention.h"

namespace t3 {

const at::Device kAttentionTestDevice(T3_TEST_DEVICE);

inline at::Tensor RandomForAttention(at::IntArrayRef sizes, uint64_t seed) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed)).to(kAttentionTestDevice);
}

// n tokens in h heads of d channels; whoever makes it adds the partitions.
struct SelfAttentionCase {
  SelfAttentionCase(int64_t n, int64_t h, int64_t d)
      : tokens(n),
        heads(h),
        rope(RopeTables::Make(1, 1, n, d, kAttentionTestDevice)),
        packed(RandomForAttention({n, 3 * h * d}, 1)),
        q_weight(1 + 0.3 * RandomForAttention({h * d}, 2)),
        k_weight(1 + 0.3 * RandomForAttention({h * d}, 3)) {}

  // Projections in `dtype`, in memory of their own.
  SelfAttentionInput Input(at::ScalarType dtype) const {
    const std::vector<at::Tensor> parts = packed.to(dtype, false, /*copy=*/true).chunk(3, 1);
    return {.q = parts[0],
            .k = parts[1],
            .v = parts[2],
            .q_weight = q_weight,
            .k_weight = k_weight,
            .heads = heads,
            .rope = &rope};
  }

  int64_t tokens, heads;
  RopeTables rope;
  at::Tensor packed, q_weight, k_weight;
  std::vector<WindowPartition> partitions;
};

}  // namespace t3
