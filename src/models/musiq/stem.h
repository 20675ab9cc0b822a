// MUSIQ's convolutions: a patch to the values that the transformer embeds.
#pragma once

#include <ATen/core/Tensor.h>

#include "nn/tensor_map.h"

namespace t3 {

class MusiqStem {
 public:
  explicit MusiqStem(const TensorMap& tensors);

  // (N,3,patch,patch) -> (N, (patch/4)^2 * 256), row by row, the channels of a place together.
  at::Tensor Run(const at::Tensor& patches) const;

 private:
  // A convolution whose weights are standardised, and the group norm after it.
  struct Layer {
    at::Tensor weight;
    at::Tensor norm_weight, norm_bias;
    double eps = 0;
    at::Tensor Run(const at::Tensor& x, int64_t stride) const;
  };
  static Layer MakeLayer(const TensorMap& tensors, const char* conv, const char* norm, double eps);

  Layer root_, reduce_, middle_, expand_, shortcut_;
};

}  // namespace t3
