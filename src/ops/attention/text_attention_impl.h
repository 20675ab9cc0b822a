// The implementation behind text_attention.h besides the reference (text_attention_cuda.cc).
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

struct TextAttentionInput;

bool SupportsTextAttentionCuda(const TextAttentionInput& in);
// Overwrites in.q and returns it.
at::Tensor TextAttentionCuda(const TextAttentionInput& in);
// The result times `encode`, () fp32, as codes.
at::Tensor TextAttentionCodesCuda(const TextAttentionInput& in, const at::Tensor& encode);

}  // namespace t3
