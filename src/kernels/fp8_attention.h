// What attention of e4m3 codes needs around it, on the GPU (reference:
// ops/attention/fp8_attention.cc): offsets and ranges of k and v, the scatter, the mean.
#pragma once

#include "kernels/rms_rope_scatter.h"
#include "kernels/rope.h"
#include "kernels/types.h"
#include "kernels/window_mean.h"

namespace t3::kernels {

// Per channel the mean of k, normed and rotated, and of v over `samples` evenly spaced tokens:
// token i * tokens / samples.
struct KeyValueMeanArgs {
  const void* k;  // (tokens, channels) bf16
  const void* v;
  int64_t k_stride;
  int64_t v_stride;
  int64_t tokens;
  int64_t channels;
  int head_dim;
  int samples;
  const float* k_inverse;  // (tokens), from InverseRms
  const float* k_weight;   // (channels)
  RopeArgs rope;
  float* k_mean;  // (channels)
  float* v_mean;
};
void LaunchKeyValueMean(const KeyValueMeanArgs& args, Stream stream);

// deviation[c] = max(deviation[c], |x[t, c] - mean[c]|) over all tokens. The order does not matter.
struct MaxDeviationArgs {
  const void* x;  // (tokens, channels) bf16
  int64_t x_stride;
  int64_t tokens;
  int64_t channels;
  const float* mean;  // (channels)
  float* deviation;   // (channels), not negative
};
void LaunchMaxDeviation(const MaxDeviationArgs& args, Stream stream);

// The scatter of rms_rope_scatter.h with codes as its targets, whose strides count codes. q, k and
// v are all there, in bf16.
struct Fp8ScatterArgs {
  RmsRopeScatterArgs scatter;
  const float* q_encode;  // one number: a code is q times it
  const float* k_encode;  // a code is (k - k_mean) times it
  const float* k_mean;    // (heads * head_dim)
  const float* v_mean;
  const float* v_encode;  // (heads * head_dim): a code is (v - v_mean) times it
};
void LaunchFp8Scatter(const Fp8ScatterArgs& args, Stream stream);

// The mean of window_mean.h of codes: out = mean * decode + offset for each channel, in bf16, or as
// codes of that times `encode`.
struct Fp8WindowMeanArgs {
  WindowMeanArgs mean;
  const float* decode;  // (channels)
  const float* offset;
  const float* encode;  // one number, or nullptr
};
void LaunchFp8WindowMean(const Fp8WindowMeanArgs& args, Stream stream);

}  // namespace t3::kernels
