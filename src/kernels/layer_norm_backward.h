// The gradient of the modulated LayerNorm on the GPU.
#pragma once

#include "kernels/token_rows.h"

namespace t3::kernels {

// y = n * multiplier + shift with n = (x - mean) / sqrt(var + eps).
struct LayerNormModulateBackwardArgs {
  TokenRows tokens;
  const void* x;
  const void* dy;
  DType dy_type;  // that of x, or fp32
  void* dx;
  const float* multiplier;  // (rows, channels)
  float* multiplier_sums;   // partial sums (TokenRows)
  float* shift_sums;
  float eps;
};
void LaunchLayerNormModulateBackward(const LayerNormModulateBackwardArgs& args, Stream stream);

}  // namespace t3::kernels
