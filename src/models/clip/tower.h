// The transformer of CLIP's towers.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "config/score_networks.h"
#include "nn/linear.h"
#include "nn/tensor_map.h"

namespace t3 {

// LayerNorm over the last dimension, eps 1e-5, with weight and bias of `prefix`.
struct ClipNorm {
  at::Tensor weight, bias;  // (width)
  ClipNorm() = default;
  ClipNorm(const TensorMap& tensors, const std::string& prefix);
  at::Tensor operator()(const at::Tensor& x) const;
};

class ClipTower {
 public:
  // `prefix` "visual." or "". Names as in ClipTensors(config).
  ClipTower(const ClipConfig& config, const ClipTowerConfig& tower, const TensorMap& tensors,
            const std::string& prefix);

  // x (B, L, width) -> (B, L, width). With `causal` a token attends to itself and those before it.
  at::Tensor Run(at::Tensor x, bool causal) const;

 private:
  struct Block {
    ClipNorm norm1, norm2;
    Linear qkv;  // width -> 3 width
    Linear out;
    Linear fc, projection;  // width -> 4 width -> width
  };

  // x (B, L, width) -> the same.
  at::Tensor Attention(const Block& block, const at::Tensor& x, bool causal) const;
  at::Tensor FeedForward(const Block& block, const at::Tensor& x) const;

  int64_t heads_;
  bool quick_gelu_;
  std::vector<Block> blocks_;
};

}  // namespace t3
