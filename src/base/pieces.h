// How work is cut so that its temporaries stay within a budget. The same code where memory is
// planned and where it is taken.
#pragma once

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

// The largest divisor of `heads` with group * bytes_per_head <= scratch_bytes; 1 if there is none.
inline int64_t HeadGroup(int64_t heads, int64_t bytes_per_head, int64_t scratch_bytes) {
  for (int64_t group = heads; group > 1; --group) {
    if (heads % group == 0 && group * bytes_per_head <= scratch_bytes) return group;
  }
  return 1;
}

}  // namespace t3
