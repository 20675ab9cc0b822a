// Window attention with the fused kernels around it.
#pragma once

#include "ops/window_attention.h"

namespace t3 {

// True if WindowAttentionKernel can take it.
bool WindowKernelTakes(const SelfAttentionInput& input);

// As WindowAttention; overwrites the input and returns a tensor that may be input.q's memory.
at::Tensor WindowAttentionKernel(const SelfAttentionInput& input,
                                 const std::vector<WindowPartition>& partitions,
                                 int64_t scratch_bytes);

}  // namespace t3
