// The values of ggml's blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "weights/types.h"

namespace t3 {

// Writes the values of `blocks` blocks of a quantised dtype to `out` (BlockOf(dtype).elements for
// each): the bits that ggml's reference dequantisation gives in fp32. Throws Error for other
// dtypes.
void DequantiseBlocks(DType dtype, const std::byte* data, int64_t blocks, float* out);

}  // namespace t3
