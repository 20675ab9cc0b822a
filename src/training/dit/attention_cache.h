// Attention layouts of the batches that a network sees.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <utility>

#include "loading/model_info.h"
#include "models/dit/attention_layout.h"
#include "training/dit/dit_config.h"

namespace t3 {

class AttentionCache {
 public:
  // `ranks`: those that share every forward; nullptr: this process alone.
  AttentionCache(const ModelInfo& model, const AttentionConfig& config, at::Device device,
                 RankGroup* ranks = nullptr);

  // For a differentiable forward of latents (B,z,T,h,w); valid as long as this object.
  const AttentionLayout& For(const at::Tensor& latents);

 private:
  ModelInfo model_;
  AttentionConfig config_;
  at::Device device_;
  RankGroup* ranks_;
  std::map<std::pair<Grid, int64_t>, AttentionLayout> layouts_;  // by grid and batch size
};

}  // namespace t3
