// Temporaries of window attention for one head, in bytes. The planner and the ops that allocate
// them call the same functions.
#pragma once

#include <cstdint>

namespace t3 {

struct AttentionSize {
  int64_t tokens = 0;
  int64_t partitions = 1;  // whose outputs are averaged
  // Tokens in the largest group of windows of equal length if window lengths differ, else 0: the
  // output of one group is a separate tensor before it is copied into the output of all groups.
  int64_t largest_group = 0;
  int64_t row_bytes = 0;  // of one token's channels of one head
};

// Fused kernels: q, k, v and output of every partition in window order.
inline int64_t ScatteredHeadBytes(const AttentionSize& size) {
  return (4 * size.partitions * size.tokens + size.largest_group) * size.row_bytes;
}

// Fused kernels where windows are contiguous in token order: the output only.
inline int64_t InPlaceHeadBytes(const AttentionSize& size) {
  return (size.tokens + size.largest_group) * size.row_bytes;
}

// The reference: gathered q, k and v, the output in window order and in token order, and the output
// of the other partition.
inline int64_t ReferenceHeadBytes(const AttentionSize& size) {
  return 6 * size.tokens * size.row_bytes;
}

}  // namespace t3
