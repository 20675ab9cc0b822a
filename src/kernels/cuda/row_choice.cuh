// Which vector a token takes.
#pragma once

#include "kernels/modulate.h"

namespace t3::kernels {

// Launches have fewer than 2^31 tokens; 32-bit division is several times faster.
__device__ inline int64_t RowOf(const RowChoice& rows, int64_t token) {
  if (rows.each > 0) return static_cast<unsigned int>(token) / static_cast<unsigned int>(rows.each);
  return token < rows.split ? 0 : rows.last_row;
}

}  // namespace t3::kernels
