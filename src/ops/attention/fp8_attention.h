// Window attention of e4m3 codes: the definition.
//
// q, normed and rotated, has a scale for all channels that needs no look at the numbers: an RMSNorm
// over C channels leaves no pair longer than sqrt(C) max|weight|. e4m3 keeps its relative precision
// over 2^14.8, so a bound that is far above the numbers costs nothing.
//
// From k the mean of some tokens is subtracted first: that changes all logits of a query by the
// same number, which softmax does not see, and numbers near zero have smaller rounding errors. Its
// bound is twice that of q.
//
// v has a scale and such a mean for each channel, which return with the result: softmax weights
// have the sum 1. Its range is measured.
//
// The weights become codes too (kernels/attention.h), and so does each partition's result. The mean
// of the partitions is of the codes' numbers, with one rounding: to the input's dtype, or to codes
// for the layer that follows. Those have one scale for all tokens, again from a bound, so that no
// pass looks for the largest of each token.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "ops/attention/self_attention_input.h"
#include "ops/attention/window_partition.h"
#include "ops/linear/linear_input.h"

namespace t3 {

// Tokens i * N / kMeanSamples have the mean; all if there are fewer. Any vector is exact.
inline constexpr int64_t kMeanSamples = 1024;
// The largest code of v. Rounded weights may have a sum of 17/16, and 448 is the largest code.
inline constexpr double kFp8MaxValue = 416;

struct Fp8AttentionScales {
  at::Tensor q, k;            // () fp32: a number is its code times it
  at::Tensor k_mean, v_mean;  // (C) fp32
  at::Tensor v;               // (C) fp32: a number is its code times it, and v_mean
};

// Of the weights of the norms alone.
at::Tensor Fp8QueryScale(const SelfAttentionInput& in);
at::Tensor Fp8KeyScale(const SelfAttentionInput& in);
// deviation (C): the largest |v - v_mean|.
at::Tensor Fp8ValueScale(const at::Tensor& deviation);

// Of results, () fp32: no number is beyond 448 times it.
at::Tensor Fp8ResultScale(const Fp8AttentionScales& scales);

enum class AttentionResult { kNumbers, kCodes };

// (N, C), in the input's dtype or as codes; the weights are not rounded.
LinearInput WindowAttentionFp8Reference(const SelfAttentionInput& in,
                                        const std::vector<WindowPartition>& partitions,
                                        AttentionResult result);

// As WindowAttention in place. By cuDNN on GPUs of capability 9.0; nullopt, and the input as it
// was, where it has no plan, work is little, or runs are deterministic. The reference on the CPU.
// Throws Error where cuDNN refuses after the first heads.
std::optional<LinearInput> WindowAttentionFp8(const SelfAttentionInput& in,
                                              const std::vector<WindowPartition>& partitions,
                                              int64_t scratch_bytes, AttentionResult result);

// fp8_attention_cuda.cc.
std::optional<LinearInput> WindowAttentionFp8Cuda(const SelfAttentionInput& in,
                                                  const std::vector<WindowPartition>& partitions,
                                                  int64_t scratch_bytes, AttentionResult result);

}  // namespace t3
