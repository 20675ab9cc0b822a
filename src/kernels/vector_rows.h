// Which of a few vectors a token takes.
#pragma once

#include <cstdint>

namespace t3::kernels {

// With `tokens_per_row` > 0 token i takes row i / tokens_per_row; otherwise tokens [0, boundary)
// take row 0 and the others row `last_row`.
struct VectorRows {
  int64_t boundary = 0;
  int64_t last_row = 0;
  int64_t tokens_per_row = 0;
};

}  // namespace t3::kernels
