// Attention of the video's tokens to the text.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "config/model_config.h"
#include "models/dit/weights.h"
#include "ops/execution_mode.h"

namespace t3 {

// One layer's keys and values of the text, the same for all steps.
struct TextKeys {
  at::Tensor k, v;  // (B, rows, heads, head_dim) of B texts
};

class CrossAttention {
 public:
  CrossAttention(const DitConfig& config, const TensorMap& tensors, const std::string& prefix);
  // Text rows (B, rows, dim) after text_embedding.
  TextKeys Keys(const at::Tensor& text, ExecutionMode mode) const;
  // The layer that reads the normed tokens.
  LinearWeights reader() const { return q_; }
  // x += attention of `normed`, both (B * N, dim) of B videos one after the other; bias (B, rows)
  // fp32 on the logits, or undefined. x is overwritten or becomes a new tensor as in AddLinear.
  void AddTo(at::Tensor& x, const LinearInput& normed, const TextKeys& keys, const at::Tensor& bias,
             ExecutionMode mode) const;

 private:
  int64_t heads_;
  double eps_;
  Linear q_, k_, v_, o_;
  at::Tensor norm_q_, norm_k_;  // (dim) fp32
};

}  // namespace t3
