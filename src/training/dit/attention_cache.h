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
  AttentionCache(const ModelInfo& model, const AttentionConfig& config, at::Device device);

  // For latents (B,z,T,h,w); valid as long as this object.
  const AttentionLayout& For(const at::Tensor& latents);

 private:
  ModelInfo model_;
  AttentionConfig config_;
  at::Device device_;
  std::map<std::pair<Grid, int64_t>, AttentionLayout> layouts_;  // by grid and batch size
};

}  // namespace t3
