// The tokens of a gradient kernel whose vectors serve equally many tokens each.
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

// (rows * tokens_per_row, channels), contiguous; vector r serves tokens [r * tokens_per_row,
// (r + 1) * tokens_per_row). The gradient of the vectors comes as `blocks` partial sums for each:
// (rows, blocks, channels) fp32, to be summed over blocks.
struct TokenRows {
  DType type;
  int64_t tokens_per_row;
  int64_t rows;
  int64_t channels;
  int64_t blocks;
};
constexpr int64_t kTokenRowsMaxVectors = 128;  // 16-byte vectors of a token's channels
constexpr int64_t kTokenRowsMaxRows = 65535;   // limit of a grid's second dimension

}  // namespace t3::kernels
