// Loops over tokens in pieces, so that temporaries of a stage stay within a budget.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

namespace t3 {

// Tokens a piece: pieces of nearly equal size whose temporaries fit `scratch_bytes` (but one token
// at least), multiples of 256 (whole GEMM tiles) where they are that large; one piece where all
// fit.
inline int64_t TokensAPiece(int64_t tokens, int64_t bytes_per_token, int64_t scratch_bytes) {
  constexpr int64_t kTile = 256;
  const int64_t most = std::max<int64_t>(1, scratch_bytes / bytes_per_token);
  if (tokens <= most) return tokens;
  const int64_t pieces = (tokens + most - 1) / most;
  const int64_t even = (tokens + pieces - 1) / pieces;
  return most < kTile ? even : std::min((even + kTile - 1) / kTile, most / kTile) * kTile;
}

// f(first, count) over [0, tokens) in pieces.
template <typename F>
void ForTokenPieces(int64_t tokens, int64_t piece, F f) {
  for (int64_t first = 0; first < tokens; first += piece) f(first, std::min(piece, tokens - first));
}

}  // namespace t3
