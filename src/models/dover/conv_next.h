// DOVER's aesthetic branch: a ConvNeXt whose middle convolutions see three frames.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <string>
#include <vector>

#include "config/score_networks.h"
#include "nn/linear.h"
#include "nn/tensor_map.h"

namespace t3 {

class DoverConvNext {
 public:
  DoverConvNext(const DoverConfig& config, const TensorMap& tensors);

  // (3,T,H,W), normalised -> (channels, T/2, H/32, W/32).
  at::Tensor Run(const at::Tensor& video) const;

 private:
  struct Convolution {
    at::Tensor weight, bias;
  };
  struct Norm {
    at::Tensor weight, bias;
    at::Tensor Run(const at::Tensor& x) const;       // over the last dimension
    at::Tensor RunFirst(const at::Tensor& x) const;  // (1,C,T,H,W), over the channels
  };
  struct Block {
    Convolution depthwise;
    Norm norm;
    Linear wide, narrow;  // C -> 4 C -> C
    at::Tensor gamma;     // (C)
  };
  struct Stage {
    Convolution down;
    Norm down_norm;
    std::vector<Block> blocks;
  };

  static Convolution MakeConvolution(const TensorMap& tensors, const std::string& prefix);
  static Norm MakeNorm(const TensorMap& tensors, const std::string& prefix);
  static Stage MakeStage(const DoverConfig& config, const TensorMap& tensors, size_t number);
  static at::Tensor RunBlock(const Block& block, const at::Tensor& x);

  std::array<Stage, kDoverStages> stages_;
  Norm norm_;
};

}  // namespace t3
