// Gradient kernels over TokenRows: blockIdx.y is the vector, its blocks stride over the tokens that
// it serves.
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/token_rows.h"

namespace t3::kernels {

// Where this block's vector starts in (rows, channels), and its partial sums in (rows, blocks,
// channels).
__device__ inline int64_t VectorOffset(const TokenRows& tokens) {
  return static_cast<int64_t>(blockIdx.y) * tokens.channels;
}
__device__ inline int64_t SumsOffset(const TokenRows& tokens) {
  return (static_cast<int64_t>(blockIdx.y) * gridDim.x + blockIdx.x) * tokens.channels;
}
// Where token `position` of this block's vector starts.
__device__ inline int64_t TokenOffset(const TokenRows& tokens, int64_t position) {
  return (blockIdx.y * tokens.tokens_per_row + position) * tokens.channels;
}

inline dim3 GridOf(const TokenRows& tokens) {
  return {static_cast<unsigned int>(tokens.blocks), static_cast<unsigned int>(tokens.rows)};
}

inline void CheckTokenRows(const char* kernel, const TokenRows& tokens) {
  CheckChannels(kernel, tokens.channels / VectorElements(tokens.type), kTokenRowsMaxVectors);
}

}  // namespace t3::kernels
