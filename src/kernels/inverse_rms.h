// Inverse root mean square of rows on the GPU.
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

struct InverseRmsArgs {
  const void* x;  // (parts, tokens, channels)
  DType type;
  int64_t stride;           // between tokens
  int64_t part_stride = 0;  // between the parts of a token's channels
  int64_t parts = 1;
  int64_t tokens;
  int64_t channels;  // of a part
  float eps;
  float* out;  // (tokens): 1 / sqrt(mean(x^2) + eps)
};
void LaunchInverseRms(const InverseRmsArgs& args, Stream stream);

}  // namespace t3::kernels
