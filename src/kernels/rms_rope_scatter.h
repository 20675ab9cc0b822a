// RMSNorm, RoPE and the scatter into window order on the GPU: each token is read once and written
// once to the window order of every partition.
#pragma once

#include "kernels/rope.h"
#include "kernels/types.h"

namespace t3::kernels {

// Where a group of heads goes: row rows[token] of q, k, v, each (tokens, heads * head_dim).
struct ScatterTarget {
  void* q = nullptr;
  void* k = nullptr;
  void* v = nullptr;
  int64_t stride = 0;
  const int32_t* rows = nullptr;  // nullptr: row = token
};

struct RmsRopeScatterArgs {
  DType type;
  int64_t tokens;
  int heads;  // of this group
  int head_dim;
  // This group's first channel of token 0. Any of the three may be nullptr.
  const void* q;
  const void* k;
  const void* v;  // copied only
  int64_t q_stride;
  int64_t k_stride;
  int64_t v_stride;
  const float* q_inverse;  // (tokens), from InverseRms over all channels
  const float* k_inverse;
  const float* q_weight;  // (heads * head_dim), this group's slice
  const float* k_weight;
  RopeArgs rope;
  int targets;  // 1 or 2
  ScatterTarget target[2];
};
void LaunchRmsRopeScatter(const RmsRopeScatterArgs& args, Stream stream);

}  // namespace t3::kernels
