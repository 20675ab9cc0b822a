// Temporaries of the denoiser's layers, and chunk sizes that keep them within a budget. The planner
// and the code that allocates call the same functions.
#pragma once

#include <algorithm>
#include <cstdint>

namespace t3 {

// Tokens per chunk. Chunks are nearly equal, their temporaries fit `scratch_bytes` (but at least
// one token), and they are multiples of 256 (whole GEMM tiles) where that many fit. One chunk if
// all tokens fit.
inline int64_t ChunkTokens(int64_t tokens, int64_t bytes_per_token, int64_t scratch_bytes) {
  constexpr int64_t kTile = 256;
  const int64_t max_tokens = std::max<int64_t>(1, scratch_bytes / bytes_per_token);
  if (tokens <= max_tokens) return tokens;
  const int64_t chunks = (tokens + max_tokens - 1) / max_tokens;
  const int64_t even = (tokens + chunks - 1) / chunks;
  if (max_tokens < kTile) return even;
  return std::min((even + kTile - 1) / kTile, max_tokens / kTile) * kTile;
}

// Tokens of a rank that travel in one exchange of q, k and v, of `tokens` that the rank with the
// most has; `bytes_per_token` of temporaries fit `scratch_bytes`. An exchange runs beside the
// products of the next chunk, so that of the last one alone is waited for: an eighth, unless chunks
// would be so small that the products take longer.
inline int64_t ExchangeTokens(int64_t tokens, int64_t bytes_per_token, int64_t scratch_bytes) {
  constexpr int64_t kChunks = 8, kMinTokens = 16384;
  const int64_t wanted = std::max((tokens + kChunks - 1) / kChunks, kMinTokens);
  return ChunkTokens(tokens, bytes_per_token, std::min(scratch_bytes, wanted * bytes_per_token));
}

// The temporaries of such a token: its normed row, and q|k|v of the exchanges under way.
inline constexpr int64_t kExchangesUnderWay = 2;
inline int64_t ExchangeRowBytes(int64_t dim, int64_t element_bytes) {
  return (1 + 3 * (1 + kExchangesUnderWay)) * dim * element_bytes;
}

// Calls f(first, count) for each chunk of [0, tokens).
template <typename F>
void ForEachChunk(int64_t tokens, int64_t chunk, F f) {
  for (int64_t first = 0; first < tokens; first += chunk) f(first, std::min(chunk, tokens - first));
}

// Heads processed together: the largest divisor of `heads` whose temporaries fit `scratch_bytes`,
// at least 1.
inline int64_t HeadGroup(int64_t heads, int64_t bytes_per_head, int64_t scratch_bytes) {
  for (int64_t group = heads; group > 1; --group) {
    if (heads % group == 0 && group * bytes_per_head <= scratch_bytes) return group;
  }
  return 1;
}

// The largest temporaries of a token between self-attentions in place, in bytes: a tensor or two of
// dim channels and the FFN's hidden one, of which e4m3 codes exist beside the numbers.
inline int64_t FfnRowBytes(int64_t dim, int64_t ffn_dim, int64_t element_bytes, bool fp8) {
  return (ffn_dim + 2 * dim) * element_bytes + (fp8 ? ffn_dim : 0);
}

// Elements of a token that a block makes in a differentiable forward, chunks of which are not made:
// normed inputs, q, k, v before and after norm and RoPE, attention's outputs, cross-attention, two
// of the FFN's width, and the products with gates. A backward pass finds all of them; without one
// they are an estimate from above of what is there at a time.
inline int64_t DifferentiableRow(int64_t dim, int64_t ffn_dim) { return 24 * dim + 2 * ffn_dim; }

// What decides the temporaries of window attention for one head, which are in bytes.
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

// e4m3 codes: the same as ScatteredHeadBytes, also in token order, at a byte per channel; groups
// need no copy. The result of all heads is there beside them (CodesResultBytes).
inline int64_t CodesHeadBytes(const AttentionSize& size, int64_t head_dim) {
  return 4 * size.partitions * size.tokens * head_dim;
}

inline int64_t CodesResultBytes(const AttentionSize& size, int64_t heads, int64_t head_dim) {
  return size.tokens * heads * head_dim;
}

// The reference: gathered q, k and v, the output in window order and in token order, and the output
// of the other partition.
inline int64_t ReferenceHeadBytes(const AttentionSize& size) {
  return 6 * size.tokens * size.row_bytes;
}

}  // namespace t3
