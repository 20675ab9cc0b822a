// Vectors that modulate tokens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// A vector of C channels for every token, of which few differ: image to video has clean tokens at
// timestep 0 in front of the noisy ones, a training batch has one timestep per sample. There is
// never one vector per token in memory.
struct TokenVectors {
  at::Tensor rows;             // (K, C), fp32 (fp64 in gradient checks), contiguous
  int64_t boundary = 0;        // K <= 2: tokens [0, boundary) take rows[0], the others the last row
  int64_t tokens_per_row = 0;  // > 0: row i serves tokens [i, i + 1) * tokens_per_row

  // The same for tokens [first, first + count). Vectors with tokens_per_row cannot be sliced:
  // throws Error unless that is all tokens.
  TokenVectors Slice(int64_t first, int64_t count) const;
};

}  // namespace t3
