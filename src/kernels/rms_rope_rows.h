// RMSNorm and RoPE of whole rows on the GPU (reference: ops/attention/rms_rope.cc).
#pragma once

#include "kernels/rope.h"
#include "kernels/types.h"

namespace t3::kernels {

// out = rope(norm(x) * weight), x read once; out may be x.
struct RmsRopeRowsArgs {
  const void* x;  // (tokens, channels)
  void* out;
  DType type;
  int64_t x_stride;
  int64_t out_stride;
  int64_t tokens;
  int64_t channels;
  int head_dim;
  float eps;
  const float* weight;  // (channels)
  RopeArgs rope;
};
// A row stays in one warp's registers: 12 vectors per lane.
constexpr int64_t RmsRopeRowsMaxChannels(DType type) { return 12 * 32 * VectorElements(type); }
void LaunchRmsRopeRows(const RmsRopeRowsArgs& args, Stream stream);

}  // namespace t3::kernels
