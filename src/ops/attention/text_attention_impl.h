// The implementation behind text_attention.h besides the reference (text_attention_cuda.cc).
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

struct TextAttentionInput;

bool SupportsTextAttentionCuda(const TextAttentionInput& in);
at::Tensor TextAttentionCuda(const TextAttentionInput& in);  // overwrites in.q and returns it

}  // namespace t3
