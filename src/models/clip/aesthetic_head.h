// The LAION aesthetic head on CLIP's embeddings.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "config/score_networks.h"
#include "nn/linear.h"
#include "nn/tensor_map.h"

namespace t3 {

class AestheticHead {
 public:
  // `tensors` as in AestheticTensors(config); they are shared, not copied.
  AestheticHead(const AestheticConfig& config, const TensorMap& tensors);

  // Embeddings of unit length (B, widths[0]) -> (B) marks, about 1 to 10.
  at::Tensor Run(const at::Tensor& embeddings) const;

 private:
  std::vector<Linear> layers_;
};

}  // namespace t3
