// DOVER's technical branch: a video Swin transformer.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <vector>

#include "config/score_networks.h"
#include "models/dover/window_attention.h"

namespace t3 {

class DoverSwin {
 public:
  DoverSwin(const DoverConfig& config, const TensorMap& tensors);

  // (3,T,H,W), normalised -> (channels, T/2, H/32, W/32). Throws Error unless windows fill the map
  // of each stage, as they do for 32 frames of 224x224.
  at::Tensor Run(const at::Tensor& video) const;

 private:
  struct Norm {
    at::Tensor weight, bias;
    at::Tensor Run(const at::Tensor& x) const;  // over the last dimension
  };
  struct Block {
    Norm norm1, norm2;
    DoverAttention attention;
    Linear fc1, fc2;
  };
  struct Stage {
    std::vector<Block> blocks;
    Norm merge_norm;  // of four tokens; not in the last stage
    Linear merge;     // 4 C -> 2 C
  };

  static Norm MakeNorm(const TensorMap& tensors, const std::string& prefix);
  static Stage MakeStage(const DoverConfig& config, const TensorMap& tensors, size_t number);
  at::Tensor RunStage(const Stage& stage, at::Tensor x) const;

  at::Tensor patch_weight_, patch_bias_;
  Norm patch_norm_;
  std::array<Stage, kDoverStages> stages_;
  Norm norm_;
};

}  // namespace t3
