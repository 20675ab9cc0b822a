// RMSNorm, RoPE and the scatter into window order on the GPU: each token is read once and written
// once to the window order of every partition, normed and rotated on the way.
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
void InverseRms(const InverseRmsArgs& args, Stream stream);

// Factors e^(i angle) as (cos, sin) pairs for the positions of each axis; pair j of a head turns by
// t's table for j < pairs_t, then h's, then w's.
struct RopeArgs {
  const float* t = nullptr;  // (T, pairs_t, 2); nullptr: no rotation
  const float* h = nullptr;  // (H, pairs_h, 2)
  const float* w = nullptr;  // (W, pairs_w, 2)
  int pairs_t = 0;
  int pairs_h = 0;
  int pairs_w = 0;
  // token = ((video * T + t) * H + h) * W + w
  int64_t frames = 1;
  int64_t height = 1;
  int64_t width = 1;
};

// out = rope(norm(x) * weight) for whole rows, x read once; out may be x.
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
// Rows stay in a warp's registers: 12 vectors a lane.
constexpr int64_t RmsRopeRowsMaxChannels(DType type) { return 12 * 32 * VectorElements(type); }
void RmsRopeRows(const RmsRopeRowsArgs& args, Stream stream);

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
  const float* q_weight;  // (heads * head_dim): this group's part
  const float* k_weight;
  RopeArgs rope;
  int targets;  // 1 or 2
  ScatterTarget target[2];
};
void RmsRopeScatter(const RmsRopeScatterArgs& args, Stream stream);

}  // namespace t3::kernels
