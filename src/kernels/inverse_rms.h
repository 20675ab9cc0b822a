// Inverse root mean square of rows on the GPU.
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

struct InverseRmsArgs {
  const void* x;  // (tokens, channels)
  DType type;
  int64_t stride;
  int64_t tokens;
  int64_t channels;
  float eps;
  float* out;  // (tokens): 1 / sqrt(mean(x^2) + eps)
};
void LaunchInverseRms(const InverseRmsArgs& args, Stream stream);

}  // namespace t3::kernels
