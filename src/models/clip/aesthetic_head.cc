// Five layers, nothing in between.
#include "models/clip/aesthetic_head.h"

#include "arch/aesthetic_head.h"

namespace t3 {

AestheticHead::AestheticHead(const AestheticConfig& config, const TensorMap& tensors) {
  for (size_t i = 0; i + 1 < config.widths.size(); ++i) {
    layers_.emplace_back(tensors, AestheticLayer(i));
  }
}

at::Tensor AestheticHead::Run(const at::Tensor& embeddings) const {
  at::Tensor x = embeddings;
  for (const Linear& layer : layers_) x = layer(x);
  return x.squeeze(-1);
}

}  // namespace t3
