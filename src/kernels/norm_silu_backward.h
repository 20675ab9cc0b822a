// The gradient of the VAE's channel norm + SiLU on the GPU.
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

// All maps are (positions, channels), contiguous. With r = 1 / max(|x|, 1e-12) and n = x r gamma,
// y = n * sigmoid(n) if `silu`, else n.
struct NormSiluBackwardArgs {
  DType type;
  const void* x;
  const void* dy;
  void* dx;
  int64_t positions;
  int64_t channels;
  const float* gamma;  // (channels)
  float* gamma_sums;   // (blocks, channels): partial sums of gamma's gradient
  int64_t blocks;
  bool silu;
};
constexpr int64_t kNormSiluBackwardMaxVectors = 128;  // 16-byte vectors of a position's channels
void LaunchNormSiluBackward(const NormSiluBackwardArgs& args, Stream stream);

}  // namespace t3::kernels
