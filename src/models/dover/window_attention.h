// Attention of the technical branch: shifted windows of a video, with biases that depend on whether
// two tokens come from one fragment (GRPB).
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string>

#include "nn/linear.h"
#include "nn/tensor_map.h"

namespace t3 {

// Windows of a map of tokens (D,H,W): their size and by how much a shifted block moves them. A
// window is never larger than the map, and then does not move.
struct DoverWindows {
  std::array<int64_t, 3> map{};
  std::array<int64_t, 3> size{};
  std::array<int64_t, 3> shift{};
  bool shifted() const { return shift[0] > 0 || shift[1] > 0 || shift[2] > 0; }
  int64_t tokens() const { return size[0] * size[1] * size[2]; }  // of a window
};
// Throws Error where the windows do not fill the map.
DoverWindows DoverWindowsOf(const std::array<int64_t, 3>& map, bool shifted);

// (D,H,W,C) -> (windows, tokens, C), shifted; and back.
at::Tensor SplitWindows(const at::Tensor& map, const DoverWindows& windows);
at::Tensor JoinWindows(const at::Tensor& rows, const DoverWindows& windows);

class DoverAttention {
 public:
  // `prefix` ends in "attn."; `fragments`: the stage has a bias between fragments.
  DoverAttention(const TensorMap& tensors, const std::string& prefix, int64_t heads,
                 bool fragments);

  // x (windows, tokens, C) -> the same shape.
  at::Tensor Run(const at::Tensor& x, const DoverWindows& windows) const;

 private:
  // What is added to the scores, for all windows of a map.
  struct Biases {
    at::Tensor same;       // (heads, tokens, tokens): of tokens of one fragment, or of all
    at::Tensor step;       // likewise: per fragment between them; undefined without fragments
    at::Tensor fragments;  // (windows, tokens, 3): which one a token comes from
    at::Tensor parts;      // (windows, tokens): those that may not mix differ; undefined: all may
    // (count or 1, heads, tokens, tokens)
    at::Tensor Of(int64_t begin, int64_t count) const;
  };
  Biases BiasesOf(const DoverWindows& windows) const;

  int64_t heads_;
  Linear qkv_, out_;
  at::Tensor position_bias_;  // (offsets, heads)
  at::Tensor fragment_bias_;  // (offsets, heads) or undefined
};

}  // namespace t3
