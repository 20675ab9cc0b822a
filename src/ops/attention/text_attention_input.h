// What attention to the text starts from.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

struct TextAttentionInput {
  at::Tensor q;         // (videos * N, C), one video after the other, before its norm
  at::Tensor q_weight;  // (C) fp32, of the RMSNorm over all channels
  double eps = 1e-6;
  at::Tensor k, v;    // (videos, rows, heads, C / heads), k normed
  at::Tensor bias{};  // (videos, rows) fp32 on the logits, or undefined; see Attend
};

}  // namespace t3
