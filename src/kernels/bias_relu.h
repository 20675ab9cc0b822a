// Bias, residual and ReLU of feature maps on the GPU (reference: ops/feature_map/bias_relu.cc).
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

struct BiasReluArgs {
  DType type;
  const void* y;  // (positions, channels), contiguous, as are x and out
  const void* x;  // or nullptr: none
  void* out;      // becomes max(y + bias + x, 0); may be y
  int64_t positions;
  int64_t channels;
  const float* bias;  // (channels), or nullptr: none
};
void LaunchBiasRelu(const BiasReluArgs& args, Stream stream);

}  // namespace t3::kernels
