// Slices of tokens.
#include "ops/modulate/token_vectors.h"

#include <algorithm>

#include "base/check.h"

namespace t3 {

TokenVectors TokenVectors::Slice(int64_t first, int64_t count) const {
  if (tokens_per_row > 0) {
    T3_CHECK(first == 0 && count == tokens_per_row * rows.size(0),
             "TokenVectors of a batch of {} tokens cannot be sliced into {} from {} on",
             tokens_per_row * rows.size(0), count, first);
    return *this;
  }
  return {rows, std::clamp<int64_t>(boundary - first, 0, count)};
}

}  // namespace t3
