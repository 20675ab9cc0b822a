// The gradient of RMSNorm and RoPE on the GPU.
#pragma once

#include "kernels/rope.h"
#include "kernels/types.h"

namespace t3::kernels {

// n = x / sqrt(mean(x^2) + eps) * weight, y = n rotated. All maps are (tokens, channels),
// contiguous.
struct RmsRopeBackwardArgs {
  DType type;
  const void* x;
  const void* dy;
  void* dx;
  int64_t tokens;
  int64_t channels;
  int head_dim;
  const float* weight;  // (channels)
  float* weight_sums;   // (blocks, channels): partial sums of weight's gradient
  int64_t blocks;
  RopeArgs rope;
  float eps;
};
constexpr int64_t kRmsRopeBackwardMaxVectors = 128;  // 16-byte vectors of a token's channels
void LaunchRmsRopeBackward(const RmsRopeBackwardArgs& args, Stream stream);

}  // namespace t3::kernels
