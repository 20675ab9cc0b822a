// Rotary position embedding over the coordinates of a video's tokens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// e^(i angle) for every position of every axis (model.md 1): a head of d channels gives h and w
// d/6 pairs each and t the rest; pair j of an axis rotates by position * 10000^(-2j/width).
// Computed in fp64, stored as complex fp32. The three tables are small (a few thousand entries at
// 4K) and serve all layers.
struct RopeTables {
  at::Tensor t;  // (T, pairs of t) complex64
  at::Tensor h;  // (H, d/6)
  at::Tensor w;  // (W, d/6)

  // Tables for a grid of tokens; `head_dim` is even.
  static RopeTables Make(int64_t frames, int64_t height, int64_t width, int64_t head_dim,
                         at::Device device);
  int64_t tokens() const { return t.size(0) * h.size(0) * w.size(0); }
  int64_t head_dim() const { return 2 * (t.size(1) + h.size(1) + w.size(1)); }
  // Those of tokens [first, first + count), for attention inputs that hold only these: one axis
  // with all pairs, which takes 4 head_dim bytes a token.
  RopeTables Slice(int64_t first, int64_t count) const;
  // (N, head_dim / 2) complex64: the factors of every token, in (t,h,w) order.
  at::Tensor ForTokens() const;
};

}  // namespace t3
