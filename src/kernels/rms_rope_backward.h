// The gradient of RMSNorm and RoPE on the GPU (ops/rms_rope.h defines them).
#pragma once

#include "kernels/rms_rope.h"

namespace t3::kernels {

// With n = x / sqrt(mean(x^2) + eps) * weight and y = n rotated. All maps are (tokens, channels),
// contiguous.
struct RmsRopeBackwardArgs {
  DType type;
  const void* x;
  const void* dy;
  void* dx;
  int64_t tokens;
  int64_t channels;
  int head_dim;
  const float* weight;   // (channels)
  float* weight_shares;  // (blocks, channels): their sum over blocks is weight's gradient
  int64_t blocks;
  RopeArgs rope;
  float eps;
};
constexpr int64_t kRmsRopeBackwardMostVectors = 128;  // 16-byte vectors of a token's channels
void RmsRopeBackward(const RmsRopeBackwardArgs& args, Stream stream);

}  // namespace t3::kernels
