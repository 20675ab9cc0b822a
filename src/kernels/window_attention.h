// Softmax attention inside windows, read from and written to token order, on Hopper GPUs in bf16.
#pragma once

#include <cstdint>

#include "kernels/types.h"

namespace t3::kernels {

// `windows` windows of `length` tokens each. Window w has the tokens order[first + w * length,
// ...). out = softmax(q k^T / sqrt(d)) v for each head, d = kWindowAttentionHeadDim, rounded to
// bf16; with `other` the mean of that and `other`, rounded again. Sums are fp32, the weights of the
// softmax are rounded to bf16. `out` may be q: a window's queries are read before its rows are
// written, by the thread block that writes them. The same bits on every run.
struct WindowAttentionArgs {
  const void* q;  // (tokens, heads * d)
  const void* k;
  const void* v;
  int64_t q_stride;  // elements, multiples of 8; pointers are 16-byte aligned
  int64_t k_stride;
  int64_t v_stride;
  const int32_t* order;  // position in window order -> token; nullptr: the same
  int64_t first;         // position
  int64_t windows;
  int64_t length;
  int heads;
  void* out;  // (tokens, heads * d)
  int64_t out_stride;
  const void* other;  // like out, or nullptr
  int64_t other_stride;
};

constexpr int kWindowAttentionHeadDim = 128;

// Needs compute capability 9.0.
void LaunchWindowAttention(const WindowAttentionArgs& args, Stream stream);

}  // namespace t3::kernels
