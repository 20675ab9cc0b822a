// Which vector a token takes, on the device.
#pragma once

#include "kernels/vector_rows.h"

namespace t3::kernels {

// Launches have fewer than 2^31 tokens; 32-bit division is several times faster.
__device__ inline int64_t RowOf(const VectorRows& rows, int64_t token) {
  if (rows.tokens_per_row > 0) {
    return static_cast<unsigned int>(token) / static_cast<unsigned int>(rows.tokens_per_row);
  }
  return token < rows.boundary ? 0 : rows.last_row;
}

}  // namespace t3::kernels
