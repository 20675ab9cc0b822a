// What window attention's temporaries take for one head, counted once for the ops that take them
// and for the plan that foretells them.
#pragma once

#include <cstdint>

namespace t3 {

struct AttentionSize {
  int64_t tokens = 0;
  int64_t partitions = 1;  // whose outputs are averaged
  // Tokens of the largest group of equally long windows where windows are uneven, else 0: a group's
  // output lies beside the output of all before it is copied into it.
  int64_t largest_group = 0;
  int64_t row_bytes = 0;  // of one token's channels of one head
};

// Fused kernels: q, k, v and output of every partition in window order.
inline int64_t ScatteredHeadBytes(const AttentionSize& size) {
  return (4 * size.partitions * size.tokens + size.largest_group) * size.row_bytes;
}

// The same where windows lie in token order: the output alone.
inline int64_t InPlaceHeadBytes(const AttentionSize& size) {
  return (size.tokens + size.largest_group) * size.row_bytes;
}

// The plain definition: gathered q, k and v, the output in window order and back in token order,
// and the other partition's.
inline int64_t PlainHeadBytes(const AttentionSize& size) {
  return 6 * size.tokens * size.row_bytes;
}

}  // namespace t3
